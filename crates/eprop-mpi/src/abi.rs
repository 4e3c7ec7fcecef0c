//! What the binary interfaces of MPI differ in: handles, and some constants. The functions have the same names and
//! arguments in all of them.

use std::ffi::{c_char, c_int, c_void};
use std::fmt;

use libloading::os::unix::Library;

/// What stands for an object of MPI: a number with MPICH, an address with Open MPI and the MPI Forum's interface.
pub trait Handle: Copy + Send + Sync + fmt::Debug + 'static {
    /// What a handle is before a call sets it.
    const NONE: Self;
}

impl Handle for c_int {
    const NONE: Self = 0;
}

/// A handle that is an address, which is handed to MPI and never followed.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub struct Pointer(*mut c_void);

// SAFETY: the address is a name for an object of MPI, which is asked for at least `MPI_THREAD_SERIALIZED`.
unsafe impl Send for Pointer {}
// SAFETY: as above.
unsafe impl Sync for Pointer {}

impl Handle for Pointer {
    const NONE: Self = Self(std::ptr::null_mut());
}

impl Pointer {
    /// The object at an address.
    pub fn at(address: *mut c_void) -> Self {
        Self(address)
    }

    fn number(value: usize) -> Self {
        Self(std::ptr::without_provenance_mut(value))
    }
}

/// Room for an `MPI_Status`, which has 20 to 32 bytes.
#[derive(Debug, Default)]
#[repr(C, align(16))]
pub struct Status([u64; 8]);

/// Handles and constants.
#[derive(Debug, Clone, Copy)]
pub struct Values<H> {
    /// `MPI_COMM_WORLD`.
    pub world: H,
    /// `MPI_BYTE`.
    pub byte: H,
    /// `MPI_ERRORS_RETURN`.
    pub errors_return: H,
    /// `MPI_THREAD_SERIALIZED`.
    pub serialized: c_int,
}

impl Values<c_int> {
    /// Those of MPICH and its kin.
    pub fn mpich() -> Self {
        Self { world: 0x4400_0000, byte: 0x4c00_010d, errors_return: 0x5400_0001, serialized: 2 }
    }
}

impl Values<Pointer> {
    /// Those of Open MPI, whose handles are addresses of what the library has.
    pub fn open_mpi(world: Pointer, byte: Pointer, errors_return: Pointer) -> Self {
        Self { world, byte, errors_return, serialized: 2 }
    }

    /// Those of the MPI Forum (MPI 5.0, appendix A).
    pub fn standard() -> Self {
        let [world, byte, errors_return] = [0x101, 0x247, 0x143].map(Pointer::number);
        Self { world, byte, errors_return, serialized: 2048 }
    }
}

macro_rules! functions {
    ($($(#[$doc:meta])* $field:ident = $name:literal: fn($($argument:ty),*);)*) => {
        /// The functions that are called.
        #[derive(Debug, Clone, Copy)]
        pub struct Functions<H> {
            $($(#[$doc])* pub $field: unsafe extern "C" fn($($argument),*) -> c_int,)*
        }

        impl<H: Handle> Functions<H> {
            /// The functions of a library that stays loaded, or the name of one that it lacks.
            pub fn of(library: &'static Library) -> Result<Self, &'static str> {
                Ok(Self {
                    $($field: {
                        // SAFETY: the MPI standard gives the function of this name these arguments, and the interface
                        // of the library says what its handles are.
                        let found = unsafe {
                            library.get::<unsafe extern "C" fn($($argument),*) -> c_int>($name.as_bytes())
                        };
                        *found.map_err(|_| $name)?
                    },)*
                })
            }
        }
    };
}

functions! {
    /// Whether MPI has begun.
    initialized = "MPI_Initialized": fn(*mut c_int);
    /// Begins MPI: arguments, which may be null, and the threads that are wanted and offered.
    init_thread = "MPI_Init_thread": fn(*mut c_void, *mut c_void, c_int, *mut c_int);
    /// What threads are offered.
    query_thread = "MPI_Query_thread": fn(*mut c_int);
    /// Ends MPI.
    finalize = "MPI_Finalize": fn();
    /// Ends all ranks.
    abort = "MPI_Abort": fn(H, c_int);
    /// Copies a communicator.
    comm_dup = "MPI_Comm_dup": fn(H, *mut H);
    /// The rank of this process.
    comm_rank = "MPI_Comm_rank": fn(H, *mut c_int);
    /// How many ranks there are.
    comm_size = "MPI_Comm_size": fn(H, *mut c_int);
    /// Says what happens at errors.
    comm_set_errhandler = "MPI_Comm_set_errhandler": fn(H, H);
    /// Begins to send: values, how many, of what type, to whom, with what tag.
    isend = "MPI_Isend": fn(*const c_void, c_int, H, c_int, c_int, H, *mut H);
    /// Whether something that has begun is done.
    test = "MPI_Test": fn(*mut H, *mut c_int, *mut Status);
    /// Whether something has come: from whom, with what tag.
    iprobe = "MPI_Iprobe": fn(c_int, c_int, H, *mut c_int, *mut Status);
    /// How many values have come.
    get_count = "MPI_Get_count": fn(*const Status, H, *mut c_int);
    /// Receives.
    recv = "MPI_Recv": fn(*mut c_void, c_int, H, c_int, c_int, H, *mut Status);
    /// What the library calls itself.
    get_library_version = "MPI_Get_library_version": fn(*mut c_char, *mut c_int);
    /// The name of this machine.
    get_processor_name = "MPI_Get_processor_name": fn(*mut c_char, *mut c_int);
    /// What an error is in words.
    error_string = "MPI_Error_string": fn(c_int, *mut c_char, *mut c_int);
}
