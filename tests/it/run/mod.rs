//! A flow on a page: the runner and real Chromium.
