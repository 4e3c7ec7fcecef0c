//! What all ranks do together.

use std::sync::Arc;

use crate::base::error::{Error, ErrorCode, Result};
use crate::base::exchange::{Exchange, Message, Reader, broken, receive};

/// The bytes of every rank, at every rank, by rank. In each round a rank has twice as many of them as before.
///
/// What is told may be large, so bytes that travel alone, as all do between two ranks, are not copied.
///
/// # Errors
/// `MPIError` where something cannot be sent or received.
pub fn gather_all(exchange: &dyn Exchange, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>> {
    let (rank, size) = (exchange.rank(), exchange.size());
    let own = Arc::new(bytes);
    // Those of the ranks after this one, in their order.
    let mut others: Vec<Vec<u8>> = Vec::with_capacity(size - 1);
    while others.len() + 1 < size {
        let reach = others.len() + 1;
        let (to, from) = ((rank + size - reach) % size, (rank + reach) % size);
        let count = reach.min(size - reach);
        if count == 1 {
            exchange.send_shared(to, Arc::clone(&own))?;
            others.push(receive(exchange, from)?);
            continue;
        }
        let mut message = Message::default();
        message.list(&own);
        others[..count - 1].iter().for_each(|bytes| message.list(bytes));
        exchange.send(to, message.into_bytes())?;
        let message = receive(exchange, from)?;
        let mut reader = Reader::new(&message);
        for _ in 0..count {
            others.push(reader.list()?);
        }
    }
    exchange.flush()?;
    let mut all = Vec::with_capacity(size);
    // Sent, they are this rank's alone again.
    all.push(Arc::unwrap_or_clone(own));
    all.append(&mut others);
    all.rotate_right(rank);
    Ok(all)
}

/// What every rank has come to, at every rank, by rank.
///
/// # Errors
/// At every rank the same where some rank has come to an error: that of the first such rank. `MPIError` where something
/// cannot be sent or received.
pub fn agree(exchange: &dyn Exchange, outcome: Result<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
    // What it is stands at the end, so that large bytes stay where they are.
    let bytes = match outcome {
        Ok(mut bytes) => {
            bytes.push(0);
            bytes
        }
        Err(error) => {
            let mut message = Message::default();
            write(&error, &mut message);
            message.number(1_u8);
            message.into_bytes()
        }
    };
    let mut all = gather_all(exchange, bytes)?;
    for (rank, bytes) in all.iter_mut().enumerate() {
        if bytes.pop().ok_or_else(broken)? == 1 {
            return Err(read(&mut Reader::new(bytes), rank, exchange.size())?);
        }
    }
    Ok(all)
}

fn write(error: &Error, message: &mut Message) {
    message.list(error.code.name().as_bytes());
    message.list(error.message.as_bytes());
    for part in [&error.model, &error.parameter, &error.value, &error.bound] {
        message.number(u8::from(part.is_some()));
        message.list(part.as_deref().unwrap_or_default().as_bytes());
    }
}

/// An error of a rank, which it names where there are others.
fn read(reader: &mut Reader<'_>, rank: usize, size: usize) -> Result<Error> {
    let name = reader.text()?;
    let code = ErrorCode::ALL.into_iter().find(|code| code.name() == name);
    let text = reader.text()?;
    let message = if size > 1 { format!("rank {rank}: {text}") } else { text };
    let mut error = Error::new(code.unwrap_or(ErrorCode::InternalError), message);
    for part in [&mut error.model, &mut error.parameter, &mut error.value, &mut error.bound] {
        let is_there = reader.number::<u8>()? == 1;
        let text = reader.text()?;
        *part = is_there.then(|| text.into());
    }
    Ok(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::exchange::DryRun;

    #[test]
    fn every_rank_has_the_bytes_of_all() {
        for size in [1, 2, 3, 4, 5, 8, 13] {
            let outcomes = DryRun::run(size, |exchange| {
                let rank = exchange.rank();
                gather_all(exchange, vec![rank as u8; rank]).expect("nothing fails")
            });
            let expected: Vec<Vec<u8>> = (0..size).map(|rank| vec![rank as u8; rank]).collect();
            assert!(outcomes.iter().all(|held| *held == expected), "{size} ranks");
        }
    }

    #[test]
    fn an_error_of_one_rank_is_that_of_all() {
        let outcomes = DryRun::run(3, |exchange| {
            let refused = || Error::new(ErrorCode::BadDelay, "too short").parameter("delay").value(0.0);
            agree(exchange, if exchange.rank() == 1 { Err(refused()) } else { Ok(Vec::new()) })
        });
        let expected = Error::new(ErrorCode::BadDelay, "rank 1: too short").parameter("delay").value(0.0);
        assert!(outcomes.into_iter().all(|outcome| outcome.as_ref() == Err(&expected)));
    }
}
