//! What one sets up once, and what helps when it is wrong.

mod config;
mod doctor;
mod tools;
