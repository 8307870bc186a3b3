//! Group against logs and rows in memory, with crashes, lost rows and processes that come between.

mod crashes;
mod crowds;
mod membership;
mod projection;
mod world;
