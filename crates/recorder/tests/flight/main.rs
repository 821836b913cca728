//! A phone in the air, with the recorder on board.

mod config;
mod deck;
mod export;
mod hostile;
mod mutated;
mod ring;
mod secrets;
