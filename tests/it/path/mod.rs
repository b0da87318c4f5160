//! The whole way: a SCIM request in, a change in the app out; judged by the app's own record.

mod api;
mod bucket;
mod by_hand;
mod canary;
mod drift;
mod elsewhere;
mod entitlements;
mod evidence;
mod faults;
mod faults_app;
mod faults_browser;
mod faults_gateway;
mod faults_order;
mod faults_process;
mod groups;
mod leavers;
mod left_off;
mod many;
mod processes;
mod quick;
mod replayed;
mod secrets;
mod story;
mod suite;
mod sync;
mod variants;
pub mod world;
