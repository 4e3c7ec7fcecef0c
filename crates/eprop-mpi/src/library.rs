//! Finding a library of MPI.

use std::env;
use std::ffi::{c_int, c_void};

use eprop::Result;
use libloading::os::unix::{Library as Loaded, RTLD_GLOBAL, RTLD_NOW};

use crate::abi::{Functions, Handle, Pointer, Values};
use crate::launcher::{Interface, Launcher};
use crate::world::Mpi;
use crate::{VARIABLE, World, mpi_error};

/// A library that was loaded; it stays so.
#[derive(Debug)]
pub struct Library {
    /// The name that it was found by.
    pub name: String,
    interface: Interface,
    loaded: Loaded,
}

/// Names of libraries, in the order in which they are looked for where nothing else is known.
const NAMES: [(Interface, &[&str]); 3] = if cfg!(target_os = "macos") {
    [
        (Interface::Standard, &["libmpi_abi.1.dylib"]),
        (Interface::Mpich, &["libmpi.12.dylib", "/opt/homebrew/opt/mpich/lib/libmpi.12.dylib"]),
        (Interface::OpenMpi, &["libmpi.40.dylib", "/opt/homebrew/opt/open-mpi/lib/libmpi.40.dylib"]),
    ]
} else {
    [
        (Interface::Standard, &["libmpi_abi.so.1"]),
        (Interface::Mpich, &["libmpi.so.12", "libmpich.so.12"]),
        (Interface::OpenMpi, &["libmpi.so.40"]),
    ]
};

/// The variable with folders that libraries are looked for in.
const FOLDERS: &str = if cfg!(target_os = "macos") { "DYLD_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };

/// The version of the MPI Forum's interface that `abi` has the values of.
const STANDARD: c_int = 1;

/// The library with a name or path, or the first that is found: of the launcher's interface, if there is a launcher, or of
/// the MPI Forum's, which any launcher may belong to.
///
/// # Errors
/// `MPIError` that says what was looked for, and where.
pub fn find(given: Option<&str>, launcher: Option<&Launcher>) -> Result<Library> {
    if let Some(name) = given {
        let loaded = load(name).map_err(|reason| {
            mpi_error(format!("this library of MPI can't be loaded: {reason}"))
                .parameter(VARIABLE)
                .value(name)
        })?;
        return Ok(Library { name: name.to_owned(), interface: interface_of(&loaded), loaded });
    }
    let wanted = launcher.and_then(|launcher| launcher.interface);
    let mut tried = Vec::new();
    for (interface, name) in names_for(wanted) {
        match load(name) {
            Ok(loaded) => return Ok(Library { name: name.to_owned(), interface, loaded }),
            Err(reason) if reason.contains("No such file") || reason.contains("no such file") => {
                tried.push(name.to_owned());
            }
            Err(reason) => tried.push(format!("{name} ({reason})")),
        }
    }
    let folders = env::var(FOLDERS).ok().filter(|folders| !folders.is_empty());
    let place = folders.map_or_else(
        || format!("the system's folders ({FOLDERS} names none besides)"),
        |folders| format!("{folders} ({FOLDERS}) and the system's folders"),
    );
    let whose = launcher.map_or_else(String::new, |launcher| format!(" for {}", launcher.name));
    let what = format!("no library of MPI was found{whose}: looked for {} in {place}", tried.join(", "));
    Err(mpi_error(what).parameter(VARIABLE).bound("the path of a libmpi"))
}

fn load(name: &str) -> std::result::Result<Loaded, String> {
    // SAFETY: loading a library runs its initializers. Those of MPI libraries do nothing before MPI begins; a user who
    // names another library vouches for it.
    let loaded = unsafe { Loaded::open(Some(name), RTLD_NOW | RTLD_GLOBAL) };
    // The reason is behind what it says first.
    loaded.map_err(|error| {
        std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
    })
}

/// Names to look for, one after the other. What is loaded stays loaded, so a library of another interface is not tried
/// beside a known launcher.
fn names_for(wanted: Option<Interface>) -> impl Iterator<Item = (Interface, &'static str)> {
    let all = NAMES.iter().flat_map(|(interface, names)| names.iter().map(move |name| (*interface, *name)));
    let own = all.clone().filter(move |(interface, _)| wanted.is_none_or(|wanted| wanted == *interface));
    own.chain(all.filter(move |(interface, _)| wanted.is_some() && *interface == Interface::Standard))
}

/// The interface of a library that the user named.
fn interface_of(loaded: &Loaded) -> Interface {
    // SAFETY: the symbol is looked for and never read.
    let is_open = unsafe { loaded.get::<*mut c_void>(b"ompi_mpi_comm_world\0") }.is_ok();
    if is_open {
        Interface::OpenMpi
    } else if standard_version(loaded) == Some(STANDARD) {
        Interface::Standard
    } else {
        Interface::Mpich
    }
}

/// The version of the MPI Forum's interface that a library has; -1 where it can say that it has none.
fn standard_version(loaded: &Loaded) -> Option<c_int> {
    // SAFETY: the MPI standard gives the function of this name these arguments.
    let asked = unsafe {
        loaded.get::<unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int>(b"MPI_Abi_get_version\0")
    };
    let (mut major, mut minor) = (-1, -1);
    // SAFETY: this may be asked before MPI begins; results are written to where they live until then.
    let status = unsafe { asked.ok()?(&raw mut major, &raw mut minor) };
    (status == 0).then_some(major)
}

impl Library {
    /// Begins MPI.
    ///
    /// # Errors
    /// `MPIError` where the library lacks something, or refuses.
    pub fn begin(self) -> Result<World> {
        let Self { name, interface, loaded } = self;
        // MPI can't be unloaded once it has begun.
        let loaded: &'static Loaded = Box::leak(Box::new(loaded));
        match interface {
            Interface::Mpich => Mpi::begin(functions::<i32>(&name, loaded)?, Values::mpich()),
            Interface::Standard => Mpi::begin(functions::<Pointer>(&name, loaded)?, Values::standard()),
            Interface::OpenMpi => {
                let place = |symbol: &str| -> Result<Pointer> {
                    // SAFETY: the address of the object is the handle; it is never read.
                    let found = unsafe { loaded.get::<*mut c_void>(symbol.as_bytes()) };
                    let found = found.map_err(|_| lacks(&name, symbol))?;
                    Ok(Pointer::at(found.as_raw_ptr()))
                };
                let values = Values::open_mpi(
                    place("ompi_mpi_comm_world")?,
                    place("ompi_mpi_byte")?,
                    place("ompi_mpi_errors_return")?,
                );
                Mpi::begin(functions::<Pointer>(&name, loaded)?, values)
            }
        }
    }
}

fn functions<H: Handle>(name: &str, loaded: &'static Loaded) -> Result<Functions<H>> {
    Functions::of(loaded).map_err(|symbol| lacks(name, symbol))
}

fn lacks(name: &str, symbol: &str) -> eprop::Error {
    mpi_error(format!("{name} is no library of MPI that can be used: it has no {symbol}")).parameter(VARIABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_launchers_own_libraries_come_first_and_then_those_of_the_standard() {
        let interfaces = |wanted| names_for(wanted).map(|(interface, _)| interface).collect::<Vec<_>>();
        assert_eq!(interfaces(Some(Interface::OpenMpi))[0], Interface::OpenMpi);
        assert_eq!(interfaces(Some(Interface::Mpich)).last(), Some(&Interface::Standard));
        assert!(!interfaces(Some(Interface::Mpich)).contains(&Interface::OpenMpi));
        let all = interfaces(None);
        assert_eq!(all.iter().filter(|interface| **interface == Interface::Standard).count(), 1);
        assert_eq!(all.last(), Some(&Interface::OpenMpi));
    }

    #[test]
    fn what_is_no_library_of_mpi_is_refused_in_words() {
        let error = find(Some("/nowhere/libmpi.so"), None).expect_err("there is none");
        assert!(error.message.contains("/nowhere/libmpi.so"), "{error}");
        if cfg!(target_os = "linux") {
            let own = load("libm.so.6").expect("there is one");
            // SAFETY: the symbol is looked for and never called.
            assert!(unsafe { own.get::<*mut c_void>(b"cos\0") }.is_ok(), "symbols are found");
            let other = find(Some("libm.so.6"), None).expect("there is one");
            let error = other.begin().expect_err("it has no MPI");
            assert!(error.message.contains("libm.so.6 is no library of MPI"), "{error}");
        }
    }
}
