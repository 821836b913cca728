//! A phone in the air, with the recorder on board.

mod deck;
mod hostile;
mod ring;
mod secrets;
