//! Events and commands in words, for logs, ladders and messages of tests. Text from peers is escaped.

mod command;
mod event;
mod words;
