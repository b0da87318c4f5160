//! Connectors on apps that nobody here wrote: a SCIM request in, a change in the app out, judged by the app's own database
//! or files. `make test-apps` runs it; `make test` does not, as the apps take minutes to install.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod acme_desk;
mod app;
mod gateway;
mod homebridge;
mod redmine;
mod story;
mod wordpress;

#[tokio::test(flavor = "multi_thread")]
async fn acme_desk() {
    story::tell(&acme_desk::Desk::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redmine() {
    story::tell(&redmine::Redmine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wordpress() {
    story::tell(&wordpress::WordPress).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn homebridge() {
    story::tell(&homebridge::Homebridge).await;
}
