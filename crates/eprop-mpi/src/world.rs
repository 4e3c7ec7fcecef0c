//! The ranks of MPI.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eprop::Result;
use eprop::base::exchange::{Exchange, no_rank};

use crate::abi::{Functions, Handle, Status, Values};
use crate::{Connection, World, mpi_error};

/// Bytes of a message; one that is as long goes on in the next. Less than counts of MPI can be.
const MOST: usize = 1 << 30;

/// The tag of all messages: they are told apart by their order.
const TAG: c_int = 17;

/// Room for names: that of a library may have 8192 bytes.
const NAME: usize = 8192;

/// Bytes on their way, which stay where they are until they are sent.
#[derive(Debug)]
struct Sending<H> {
    request: H,
    _bytes: Arc<Vec<u8>>,
}

/// What is asked of MPI by one thread at a time.
#[derive(Debug)]
struct Calls<H> {
    functions: Functions<H>,
    values: Values<H>,
    /// The ranks, apart from what others in this process send.
    ranks: H,
    sending: VecDeque<Sending<H>>,
    finalized: bool,
}

/// Ranks of MPI.
#[derive(Debug)]
pub struct Mpi<H> {
    rank: usize,
    size: usize,
    calls: Mutex<Calls<H>>,
    taken: AtomicBool,
    /// To end all ranks, whatever other threads wait for.
    last: (Functions<H>, H),
}

impl<H: Handle> Functions<H> {
    /// What a status says, in words.
    fn check(&self, call: &str, status: c_int) -> Result<()> {
        if status == 0 {
            return Ok(());
        }
        let words = text(|name, length| {
            // SAFETY: there is room for any text of MPI.
            unsafe { (self.error_string)(status, name, length) }
        });
        Err(mpi_error(format!("{call} failed: {words}")))
    }
}

/// A text that a function of MPI writes.
fn text(write: impl FnOnce(*mut c_char, *mut c_int) -> c_int) -> String {
    let mut bytes = vec![0_u8; NAME];
    let mut length = 0;
    write(bytes.as_mut_ptr().cast(), &raw mut length);
    bytes.truncate(length.max(0) as usize);
    String::from_utf8_lossy(&bytes).trim_end_matches('\0').trim().to_owned()
}

impl<H: Handle> Mpi<H> {
    /// Begins MPI, if that has not been done.
    ///
    /// # Errors
    /// `MPIError` where it cannot be, or offers no threads.
    pub fn begin(functions: Functions<H>, values: Values<H>) -> Result<World> {
        let (mut begun, mut offered) = (0, 0);
        // SAFETY: this may be asked at any time; the result is written to where it lives until then.
        functions.check("MPI_Initialized", unsafe { (functions.initialized)(&raw mut begun) })?;
        if begun == 0 {
            // SAFETY: MPI has not begun, and null stands for the arguments of the program.
            let status = unsafe {
                (functions.init_thread)(null_mut(), null_mut(), values.serialized, &raw mut offered)
            };
            functions.check("MPI_Init_thread", status)?;
        } else {
            // SAFETY: MPI has begun.
            functions.check("MPI_Query_thread", unsafe { (functions.query_thread)(&raw mut offered) })?;
        }
        if offered < values.serialized {
            let what =
                "this library of MPI cannot be called by several threads in turn (MPI_THREAD_SERIALIZED)";
            return Err(mpi_error(what));
        }
        let (mut ranks, mut rank, mut size) = (H::NONE, 0, 0);
        // SAFETY: MPI has begun, these are its handles, and results are written to where they live until then.
        unsafe {
            let status = (functions.comm_set_errhandler)(values.world, values.errors_return);
            functions.check("MPI_Comm_set_errhandler", status)?;
            functions.check("MPI_Comm_dup", (functions.comm_dup)(values.world, &raw mut ranks))?;
            let status = (functions.comm_set_errhandler)(ranks, values.errors_return);
            functions.check("MPI_Comm_set_errhandler", status)?;
            functions.check("MPI_Comm_rank", (functions.comm_rank)(ranks, &raw mut rank))?;
            functions.check("MPI_Comm_size", (functions.comm_size)(ranks, &raw mut size))?;
        }
        // SAFETY: there is room for any name.
        let library = text(|name, length| unsafe { (functions.get_library_version)(name, length) });
        // SAFETY: as above.
        let host = text(|name, length| unsafe { (functions.get_processor_name)(name, length) });
        let library = library.split(['\n', ',']).next().unwrap_or_default();
        let library = library.split_whitespace().collect::<Vec<_>>().join(" ");
        let calls = Calls { functions, values, ranks, sending: VecDeque::new(), finalized: false };
        let connection = Self {
            rank: rank as usize,
            size: size as usize,
            calls: Mutex::new(calls),
            taken: AtomicBool::new(false),
            last: (functions, values.world),
        };
        Ok(World { connection: Arc::new(connection), library, host })
    }

    fn calls(&self) -> Result<MutexGuard<'_, Calls<H>>> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.finalized { Err(mpi_error("this world is closed")) } else { Ok(calls) }
    }

    fn check(&self, other: usize) -> Result<()> {
        if other < self.size && other != self.rank { Ok(()) } else { Err(no_rank(other, self.size)) }
    }
}

impl<H: Handle> Calls<H> {
    /// Lets what is being sent go on. Returns whether all is sent.
    fn go_on(&mut self) -> Result<bool> {
        while let Some(first) = self.sending.front_mut() {
            let (mut done, mut status) = (0, Status::default());
            // SAFETY: the request is one that has begun and was not yet found done; its bytes still live.
            let outcome =
                unsafe { (self.functions.test)(&raw mut first.request, &raw mut done, &raw mut status) };
            self.functions.check("MPI_Test", outcome)?;
            if done == 0 {
                return Ok(false);
            }
            self.sending.pop_front();
        }
        Ok(true)
    }

    fn send(&mut self, to: usize, bytes: &Arc<Vec<u8>>) -> Result<()> {
        let mut begin = 0;
        loop {
            let piece = &bytes[begin..bytes.len().min(begin + MOST)];
            let mut request = H::NONE;
            // SAFETY: the bytes are kept, unchanged, until the request is found done.
            let status = unsafe {
                (self.functions.isend)(
                    piece.as_ptr().cast::<c_void>(),
                    piece.len() as c_int,
                    self.values.byte,
                    to as c_int,
                    TAG,
                    self.ranks,
                    &raw mut request,
                )
            };
            self.functions.check("MPI_Isend", status)?;
            begin += piece.len();
            let is_last = piece.len() < MOST;
            self.sending.push_back(Sending { request, _bytes: Arc::clone(bytes) });
            if is_last {
                return self.go_on().map(drop);
            }
        }
    }

    /// The next piece from another rank, if it has come.
    fn receive(&mut self, from: usize, bytes: &mut Vec<u8>) -> Result<Option<usize>> {
        self.go_on()?;
        let (mut is_there, mut count, mut status) = (0, 0, Status::default());
        // SAFETY: results are written to where they live until then; a status has at most the room that there is.
        unsafe {
            let found =
                (self.functions.iprobe)(from as c_int, TAG, self.ranks, &raw mut is_there, &raw mut status);
            self.functions.check("MPI_Iprobe", found)?;
            if is_there == 0 {
                return Ok(None);
            }
            let counted = (self.functions.get_count)(&raw const status, self.values.byte, &raw mut count);
            self.functions.check("MPI_Get_count", counted)?;
        }
        let begin = bytes.len();
        bytes
            .try_reserve_exact(count as usize)
            .map_err(|_| mpi_error("there is no memory for what a rank sends"))?;
        // SAFETY: there is room for as many bytes as have come. They are written before they are read: pages of a large
        // message are touched once.
        let received = unsafe {
            (self.functions.recv)(
                bytes.spare_capacity_mut().as_mut_ptr().cast::<c_void>(),
                count,
                self.values.byte,
                from as c_int,
                TAG,
                self.ranks,
                &raw mut status,
            )
        };
        self.functions.check("MPI_Recv", received)?;
        // SAFETY: MPI has written as many bytes as it has said had come.
        unsafe { bytes.set_len(begin + count as usize) };
        Ok(Some(count as usize))
    }
}

/// Waits without keeping a processor from others: at first it only gives way, later it sleeps.
#[derive(Debug)]
struct Wait(Instant);

thread_local! {
    /// Whether this thread's sleeps are as short as they are asked for.
    static SLEEPS_SHORTLY: Cell<bool> = const { Cell::new(false) };
}

/// Has this thread wake when it asked to. Linux adds 50 µs to each sleep unless it is told otherwise, so that several
/// threads wake at once; a message takes a few.
fn sleep_shortly() {
    if SLEEPS_SHORTLY.replace(true) {
        return;
    }
    #[cfg(target_os = "linux")]
    // SAFETY: this sets a number of the calling thread. Where it cannot be set, sleeps are longer.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1_000_u64);
    }
}

impl Wait {
    fn new() -> Self {
        sleep_shortly();
        Self(Instant::now())
    }

    fn turn(&self) {
        match self.0.elapsed().as_micros() {
            // One that only gives way keeps its processor busy in the eyes of the system, which then leaves two other
            // threads on another one.
            0..50 => std::thread::yield_now(),
            50..100_000 => std::thread::sleep(Duration::from_micros(10)),
            _ => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

impl<H: Handle> Exchange for Mpi<H> {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn send_shared(&self, to: usize, bytes: Arc<Vec<u8>>) -> Result<()> {
        self.check(to)?;
        self.calls()?.send(to, &bytes)
    }

    fn receive_within(&self, from: usize, patience: Duration) -> Result<Option<Vec<u8>>> {
        self.check(from)?;
        let wait = Wait::new();
        let mut bytes = Vec::new();
        loop {
            let piece = self.calls()?.receive(from, &mut bytes)?;
            match piece {
                Some(MOST) => {}
                Some(_) => return Ok(Some(bytes)),
                None if bytes.is_empty() && wait.0.elapsed() >= patience => return Ok(None),
                None => wait.turn(),
            }
        }
    }

    fn flush(&self) -> Result<()> {
        let wait = Wait::new();
        while !self.calls()?.go_on()? {
            wait.turn();
        }
        Ok(())
    }

    fn take(&self) -> bool {
        !self.taken.swap(true, Ordering::Acquire)
    }

    fn give_back(&self) {
        self.taken.store(false, Ordering::Release);
    }
}

impl<H: Handle> Connection for Mpi<H> {
    fn finalize(&self) -> Result<()> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut calls.finalized, true) {
            return Ok(());
        }
        let functions = calls.functions;
        // SAFETY: MPI has begun and has not ended.
        functions.check("MPI_Finalize", unsafe { (functions.finalize)() })
    }

    fn abort(&self, code: i32) {
        if self.calls.try_lock().is_ok_and(|calls| calls.finalized) {
            return;
        }
        // SAFETY: MPI has begun and has not ended. It does not return.
        unsafe { (self.last.0.abort)(self.last.1, code) };
    }
}
