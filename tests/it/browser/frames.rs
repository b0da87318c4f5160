//! Frames of the page's own origin and of another, nested too.

use super::elsewhere::with_plain;
use super::lab::*;
use usher::browser::{Action, Browser, Guard, Network, PageError, Read, SessionOptions, Unready};
use usher::locator::{Kind, Locator};

fn frame(title: &str) -> Locator {
    exact(Kind::Frame, title)
}

/// A session that may reach the test's server by both of its names, on the page with the frames.
async fn framed(browser: &Browser) -> Lab {
    let base = base().await;
    let other = base.replace("127.0.0.1", "localhost");
    let options =
        SessionOptions { origins: vec![base.clone(), other], viewport: (1000, 700), network: Network::Real };
    let session = browser.open_session(&options).await.unwrap();
    let lab = Lab { page: session.page().clone(), session, base };
    lab.goto("frames.html").await;
    lab
}

/// In our Chromium, where all frames of a page are in one process, and in one of somebody else, where those of another site are not.
fn in_both(test: impl AsyncFn(Lab)) {
    let test = &test;
    in_lab(|lab| async move { test(framed(lab.browser()).await).await });
    with_plain(|plain| async move {
        let browser = plain.connect().await;
        test(framed(&browser).await).await;
        plain
    });
}

async fn status(lab: &Lab, frame: Locator) -> String {
    let target = any("status").inside(frame).into_target();
    lab.page.read(&target, &Read::default(), &soon()).await.unwrap().unwrap()
}

#[test]
fn controls_in_frames_are_used_as_those_of_the_page() {
    in_both(async |lab| {
        for title in ["Billing", "Same"] {
            let within = [frame(title)];
            let act = async |locator: Locator, action: Action| {
                let done = lab.page.act(&locator.clone().within(&within), &action, &[], &soon()).await;
                done.unwrap_or_else(|error| panic!("{title}: {locator}: {error}"))
            };
            act(field("Email"), Action::Fill(plain("zoë@x"))).await;
            act(field("Role"), Action::Select("Agent".into())).await;
            act(role("combobox", "Team"), Action::Select("Blue".into())).await;
            act(role("button", "Save"), Action::Click).await;
            act(role("button", "Far"), Action::Click).await;
            act(role("button", "Deep").inside(frame("Inner")), Action::Click).await;
            let deep = role("button", "Went deep").inside(frame("Inner")).within(&within);
            assert_eq!(lab.page.expect(&deep, &soon()).await.unwrap().element, "button \"Went deep\"");
            assert_eq!(status(&lab, frame(title)).await, "save true zoë@x;far;");
            lab.page.field_is(&field("Role").within(&within), "Agent", &soon()).await.unwrap();
            let there = async |name: &str| {
                let target = role("button", name).inside(frame("Inner")).within(&within);
                lab.page.is_there(&target).await.unwrap()
            };
            assert!(there("Went deep").await && !there("Deep").await, "{title}");
            let vanish = role("button", "Vanish").within(&within);
            assert!(lab.page.is_enabled(&vanish).await.unwrap());
            lab.page.act(&vanish, &Action::Click, &[], &soon()).await.unwrap();
            lab.page.gone(&vanish, &soon()).await.unwrap();
        }
    });
}

#[test]
fn what_covers_a_frame_covers_what_is_in_it() {
    in_both(async |lab| {
        for title in ["Billing", "Same"] {
            lab.goto("frames.html").await;
            let save = role("button", "Save").inside(frame(title));
            lab.click(save.clone()).await.unwrap();
            lab.click(role("button", "Cover for a while")).await.unwrap();
            lab.click(save.clone()).await.unwrap();
            lab.click(role("button", "Cover")).await.unwrap();
            let error = lab.page.act(&save.into_target(), &Action::Click, &[], &shortly()).await.unwrap_err();
            let PageError::NotReady { why: Unready::Covered { by }, .. } = &error else {
                panic!("{title}: {error:?}")
            };
            assert_eq!(by, "text \"overlay\"", "{title}");
            assert_eq!(status(&lab, frame(title)).await, "save true ;save true ;", "{title}");
        }
    });
}

#[test]
fn guards_hold_across_frames() {
    in_both(async |lab| {
        for title in ["Billing", "Same"] {
            let save = role("button", "Save").within(&[frame(title)]);
            let is = |tenant: &str, who: &str| {
                [Guard::Present { locator: text(tenant) }, Guard::Identity { texts: vec![who.into()] }]
            };
            for (guards, broken) in [(is("other", "ada@x"), 0), (is("acme", "bob@x"), 1)] {
                let error = lab.page.act(&save, &Action::Click, &guards, &soon()).await.unwrap_err();
                assert!(
                    matches!(&error, PageError::Guard { index, .. } if *index == broken),
                    "{title}: {error:?}"
                );
                let error = lab.page.holds(&save.within, &guards, &soon()).await.unwrap_err();
                assert!(
                    matches!(&error, PageError::Guard { index, .. } if *index == broken),
                    "{title}: {error:?}"
                );
            }
            assert_eq!(status(&lab, frame(title)).await, "");
            lab.page.holds(&save.within, &is("acme", "ada@x"), &soon()).await.unwrap();
            lab.page.act(&save, &Action::Click, &is("acme", "ada@x"), &soon()).await.unwrap();
            assert_eq!(status(&lab, frame(title)).await, "save true ;");
        }
    });
}

#[test]
fn a_wait_in_a_frame_goes_on_in_its_next_document_and_sees_the_page_around_it() {
    in_both(async |lab| {
        for title in ["Billing", "Same"] {
            lab.goto("frames.html").await;
            let arrived = role("heading", "Arrived").inside(frame(title)).into_target();
            lab.click(role("button", "Go").inside(frame(title))).await.unwrap();
            let never = text("Never").into_target();
            assert_eq!(lab.page.first_of(&[never, arrived.clone()], &soon()).await.unwrap(), 1, "{title}");
            lab.page.expect(&arrived, &soon()).await.unwrap();
            lab.click(role("button", "Fail later")).await.unwrap();
            let mut wait = soon();
            wait.watch = vec![role("alert", "Expired")];
            let missing = role("button", "Nowhere").inside(frame(title)).into_target();
            assert_eq!(lab.page.expect(&missing, &wait).await.unwrap_err(), PageError::Watched(0), "{title}");
            let error = lab.page.expect(&missing, &shortly()).await.unwrap_err();
            let PageError::NotFound { looked_for, .. } = &error else { panic!("{title}: {error:?}") };
            assert_eq!(looked_for, &format!("frame \"{title}\" > button \"Nowhere\""));
        }
        let pay = role("button", "Save").inside(frame("Billing")).into_target();
        lab.goto("frames.html").await;
        lab.page.expect(&pay, &soon()).await.unwrap();
        lab.click(role("button", "Drop")).await.unwrap();
        lab.page.gone(&pay, &soon()).await.unwrap();
    });
}
