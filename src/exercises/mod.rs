//! The judges of the exercises. A judge is an experiment with the learner's program in it: it plays the program's peers, and its
//! claims are the requirements, whose sentences stand in the task (`lessons/NN-slug/exercise/`).

mod e01_echo;
mod e02_frames;
mod e03_families;
mod e04_messages;
mod e05_process;
mod e06_close;
mod e07_once;
mod e08_both_ways;
mod e09_many_clients;
mod e10_deadline;
mod e11_turns;
mod e12_chat;
mod e12_room;
mod kit;
