#![doc = include_str!("ARCHITECTURE.md")]

pub mod body;
pub mod calendar;
pub mod clock;
pub mod diagnostic;
pub mod failure;
pub mod id;
pub mod locator;
pub mod secret;

pub mod account;
pub mod artifact;
pub mod browser;
pub mod metrics;
pub mod notice;
pub mod playbook;
pub mod scim;
pub mod trace;
pub mod vault;

pub mod draft;
pub mod reconcile;
pub mod recording;
pub mod step;
pub mod store;

pub mod connector;
pub mod journal;
pub mod run;

pub mod integration;
pub mod keeping;

pub mod evidence;
pub mod intake;
pub mod job;
pub mod operator;
pub mod story;

pub mod api;
pub mod gateway;

pub mod server;

pub mod cli;
pub mod demo;
