//! Ranks of MPI.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use eprop::base::exchange::{Patient, Turn, gather_all};
use eprop_mpi::{Connection, World, launcher};
use napi::Env;
use napi::bindgen_prelude::{Object, Uint8Array};
use napi_derive::napi;

use crate::errors::guarded;
use crate::off_thread::{Busy, off_thread};

/// What started this process, where its environment says so.
#[napi(object)]
pub struct NativeLauncher {
    /// Its name.
    pub name: String,
    /// Ranks that it started, where it says so.
    pub ranks: Option<u32>,
}

/// What started this process, where its environment says so.
#[napi]
#[must_use]
pub fn mpi_launcher() -> Option<NativeLauncher> {
    launcher::found(|name| std::env::var(name).ok()).map(|launcher| NativeLauncher {
        name: launcher.name.to_owned(),
        ranks: launcher.ranks.map(|ranks| ranks as u32),
    })
}

/// A turn that goes to another thread.
struct OwnTurn(Arc<dyn Connection>);

impl OwnTurn {
    fn take(connection: Arc<dyn Connection>) -> eprop::Result<Self> {
        // It is given back when this is dropped.
        Turn::take(&*connection).map(std::mem::forget)?;
        Ok(Self(connection))
    }
}

impl Drop for OwnTurn {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

/// The ranks that were started together, and which of them this process is.
#[napi]
pub struct NativeWorld(World);

#[napi]
impl NativeWorld {
    /// Begins MPI, or gives what has begun.
    #[napi(factory)]
    pub fn connect(library: Option<String>) -> napi::Result<Self> {
        guarded(|| eprop_mpi::connect(library.as_deref())).map(Self)
    }

    /// Which rank this is.
    #[napi(getter)]
    #[must_use]
    pub fn rank(&self) -> u32 {
        self.0.connection.rank() as u32
    }

    /// How many ranks there are.
    #[napi(getter)]
    #[must_use]
    pub fn size(&self) -> u32 {
        self.0.connection.size() as u32
    }

    /// What the library calls itself.
    #[napi(getter)]
    #[must_use]
    pub fn library(&self) -> String {
        self.0.library.clone()
    }

    /// The name of this machine.
    #[napi(getter)]
    #[must_use]
    pub fn host(&self) -> String {
        self.0.host.clone()
    }

    /// The bytes of every rank, by rank, on a thread of its own; after `patience` ms it is given up.
    #[napi(ts_return_type = "Promise<Array<Uint8Array>>")]
    pub fn gather<'a>(
        &self,
        env: &'a Env,
        bytes: Uint8Array,
        patience: Option<f64>,
    ) -> napi::Result<Object<'a>> {
        let bytes = bytes.to_vec();
        // Refused at once, so that ranks agree on which call it is.
        let turn = guarded(|| OwnTurn::take(self.connection()))?;
        off_thread(
            env,
            Busy::new(&Arc::new(AtomicBool::new(false))),
            move || {
                let connection = &*turn.0;
                match patience {
                    Some(ms) => {
                        gather_all(&Patient::new(connection, Duration::from_secs_f64(ms / 1e3)), bytes)
                    }
                    None => gather_all(connection, bytes),
                }
            },
            |_, outcome| outcome.map(|all| all.into_iter().map(Uint8Array::from).collect::<Vec<_>>()),
        )
    }

    /// As `gather`, on this thread: for a process that is about to end.
    #[napi]
    pub fn gather_now(&self, bytes: Uint8Array) -> napi::Result<Vec<Uint8Array>> {
        let all = guarded(|| {
            let connection = self.connection();
            let _turn = Turn::take(&*connection)?;
            gather_all(&*connection, bytes.to_vec())
        })?;
        Ok(all.into_iter().map(Uint8Array::from).collect())
    }

    /// Ends MPI, once all ranks want that.
    #[napi]
    pub fn finalize(&self) -> napi::Result<()> {
        guarded(|| self.0.connection.finalize())
    }

    /// Ends all ranks.
    #[napi]
    pub fn abort(&self, code: i32) {
        self.0.connection.abort(code);
    }

    /// Its exchange.
    #[must_use]
    pub fn connection(&self) -> Arc<dyn Connection> {
        Arc::clone(&self.0.connection)
    }
}
