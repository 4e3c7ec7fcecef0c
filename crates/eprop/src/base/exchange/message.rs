//! Messages of several parts.

use bytemuck::{AnyBitPattern, NoUninit};

use crate::base::error::{Error, ErrorCode, Result};

/// What a rank tells others: numbers and lists, one after the other.
#[derive(Debug, Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// The bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Adds a number.
    pub fn number<T: NoUninit>(&mut self, value: T) {
        self.0.extend_from_slice(bytemuck::bytes_of(&value));
    }

    /// Adds a list.
    pub fn list<T: NoUninit>(&mut self, values: &[T]) {
        self.number(values.len() as u64);
        self.0.extend_from_slice(bytemuck::cast_slice(values));
    }
}

/// Takes a message apart in the order in which it was put together.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Of all bytes of a message.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or_else(broken)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next number.
    ///
    /// # Errors
    /// `MPIError` where the message ends before.
    pub fn number<T: AnyBitPattern>(&mut self) -> Result<T> {
        Ok(bytemuck::pod_read_unaligned(self.bytes(size_of::<T>())?))
    }

    /// The next list.
    ///
    /// # Errors
    /// `MPIError` where the message ends before.
    pub fn list<T: NoUninit + AnyBitPattern>(&mut self) -> Result<Vec<T>> {
        let count = usize::try_from(self.number::<u64>()?).map_err(|_| broken())?;
        let bytes = self.bytes(count.checked_mul(size_of::<T>()).ok_or_else(broken)?)?;
        // All at once, which `collect` would not do.
        Ok(bytemuck::allocation::pod_collect_to_vec(bytes))
    }

    /// The next list as text.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn text(&mut self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.list::<u8>()?).into_owned())
    }
}

/// The error that a message is not what it should be.
pub(crate) fn broken() -> Error {
    let what = "a message of another rank is not what was expected: all ranks must run the same program";
    Error::new(ErrorCode::MPIError, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_out_as_they_went_in() {
        let mut message = Message::default();
        message.number(7_u8);
        message.list(&[1.5_f64, -0.0]);
        message.list("ä".as_bytes());
        message.list::<u32>(&[]);
        let bytes = message.into_bytes();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.number::<u8>().expect("there is one"), 7);
        assert_eq!(reader.list::<f64>().expect("there is one")[1].to_bits(), (-0.0_f64).to_bits());
        assert_eq!(reader.text().expect("there is one"), "ä");
        assert!(reader.list::<u32>().expect("there is one").is_empty());
        assert_eq!(reader.number::<u8>().expect_err("it is over").code, ErrorCode::MPIError);
        assert_eq!(Reader::new(&[255; 8]).list::<u64>().expect_err("too long").code, ErrorCode::MPIError);
    }
}
