//! MPI as an [`eprop::base::exchange::Exchange`], from the library of the site that the program runs at: it is loaded when it is
//! asked for, and nothing of MPI is needed to build.
//!
//! There are three binary interfaces: that of MPICH and its kin, that of Open MPI, and the one that the MPI Forum has
//! agreed on. They differ in what handles are (`abi`), not in the dozen functions that are called (`world`).

#[cfg(unix)]
mod abi;
pub mod launcher;
#[cfg(unix)]
mod library;
#[cfg(unix)]
mod world;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use eprop::base::exchange::Exchange;
use eprop::{Error, ErrorCode, Result};

/// Names a library in the environment.
pub const VARIABLE: &str = "EPROP_MPI";

/// An exchange that MPI has begun.
pub trait Connection: Exchange {
    /// Ends MPI, once all ranks want that; what was sent has arrived then.
    ///
    /// # Errors
    /// `MPIError` where MPI says so.
    fn finalize(&self) -> Result<()>;

    /// Ends all ranks.
    fn abort(&self, code: i32);
}

/// The ranks that were started together.
#[derive(Clone)]
pub struct World {
    /// Their exchange.
    pub connection: Arc<dyn Connection>,
    /// What the library calls itself.
    pub library: String,
    /// The name of the machine that this rank runs on.
    pub host: String,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("library", &self.library)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// The world of this process, once it is connected. MPI begins once in a process.
static WORLD: Mutex<Option<World>> = Mutex::new(None);

/// Begins MPI, or gives what has begun.
///
/// `library` is the name or path of a library; where there is none, that of the environment (`EPROP_MPI`), or one that is
/// found.
///
/// # Errors
/// `MPIError` where no library is found, it can't be used, or it is not the one of the launcher.
pub fn connect(library: Option<&str>) -> Result<World> {
    let mut world = WORLD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(world) = &*world {
        return Ok(world.clone());
    }
    let given =
        library.map(str::to_owned).or_else(|| std::env::var(VARIABLE).ok().filter(|name| !name.is_empty()));
    let begun = begin(given.as_deref())?;
    *world = Some(begun.clone());
    Ok(begun)
}

#[cfg(unix)]
fn begin(given: Option<&str>) -> Result<World> {
    let launcher = launcher::found(|name| std::env::var(name).ok());
    let library = library::find(given, launcher.as_ref())?;
    let name = library.name.clone();
    let world = library.begin()?;
    if let Some(launcher) = launcher
        && world.connection.size() == 1
        && (launcher.ranks.is_some_and(|ranks| ranks > 1) || launcher.rank.is_some_and(|rank| rank > 0))
    {
        let started = launcher.ranks.map_or_else(|| "several".to_owned(), |ranks| ranks.to_string());
        let what = format!(
            "{} has started {started} ranks, but {name} ({}) knows of one only: it is not the MPI of the launcher",
            launcher.name, world.library
        );
        return Err(mpi_error(what).parameter(VARIABLE).bound("the path of the launcher's libmpi"));
    }
    Ok(world)
}

#[cfg(not(unix))]
fn begin(_given: Option<&str>) -> Result<World> {
    Err(mpi_error("there is no MPI on this system for eprop; Linux and macOS have one"))
}

pub(crate) fn mpi_error(what: impl Into<String>) -> Error {
    Error::new(ErrorCode::MPIError, what)
}
