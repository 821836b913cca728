//! Recordings of a phone: written, read, replayed and exported.

mod accounts;
mod commands;
mod config;
mod corrupted;
mod export;
mod mutated;
mod recorded_phone;
mod ring;
mod secrets;
