//! Which pictures and pages are in the page: each once, however many steps show it, and no more than a browser opens at once.

use std::collections::{HashMap, HashSet};

use super::{Run, Shot, Step};

/// What all pictures and pages of one story may take, in bytes as they are written.
pub(super) const MOST: usize = 30 << 20;

/// What becomes of a picture or a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It stands here, and has this number among its kind.
    Here(usize),
    /// It is the one with that number.
    Same(usize),
    /// There was no room for it.
    LeftOut,
    /// There is none.
    None,
}

/// The places of the pictures and pages of a story, in its order.
#[derive(Debug)]
pub(super) struct Embedded {
    places: HashMap<(usize, usize), (Place, Place)>,
    /// How many pictures and pages there was no room for.
    pub left_out: usize,
}

impl Embedded {
    /// The places of a picture and of its page.
    pub(super) fn at(&self, step: usize, shot: usize) -> (Place, Place) {
        self.places.get(&(step, shot)).copied().unwrap_or((Place::None, Place::None))
    }
}

/// Chooses: what is near the step that is looked at first, pictures before pages.
pub(super) fn choose(runs: &[Run], first: usize, most: usize) -> Embedded {
    let steps: Vec<&Step> = runs.iter().flat_map(|run| &run.steps).collect();
    let mut nearest: Vec<usize> = (0..steps.len()).collect();
    nearest.sort_by_key(|&index| {
        (!steps.get(index).is_some_and(|step| step.record.commit), index.abs_diff(first))
    });
    nearest.sort_by_key(|&index| index != first);
    let shots = || nearest.iter().filter_map(|&index| steps.get(index)).flat_map(|step| &step.shots);
    let mut room = Room { left: most, taken: HashSet::new() };
    // Of the step that is looked at first, the page comes before others' pictures.
    let here = || steps.get(first).into_iter().flat_map(|step| &step.shots);
    here().filter_map(jpeg).for_each(|bytes| room.take(bytes, in_base64(bytes)));
    here().filter_map(html).for_each(|bytes| room.take(bytes, escaped(bytes)));
    shots().filter_map(jpeg).for_each(|bytes| room.take(bytes, in_base64(bytes)));
    shots().filter_map(html).for_each(|bytes| room.take(bytes, escaped(bytes)));
    number(&steps, &room.taken)
}

fn number(steps: &[&Step], taken: &HashSet<&[u8]>) -> Embedded {
    let (mut pictures, mut pages, mut left_out) = (HashMap::new(), HashMap::new(), 0);
    let mut places = HashMap::new();
    for (index, step) in steps.iter().enumerate() {
        for (shot_index, shot) in step.shots.iter().enumerate() {
            let picture = place_of(jpeg(shot), taken, &mut pictures, &mut left_out);
            let page = place_of(html(shot), taken, &mut pages, &mut left_out);
            places.insert((index, shot_index), (picture, page));
        }
    }
    Embedded { places, left_out }
}

fn place_of<'b>(
    bytes: Option<&'b [u8]>,
    taken: &HashSet<&[u8]>,
    numbers: &mut HashMap<&'b [u8], usize>,
    left_out: &mut usize,
) -> Place {
    let Some(bytes) = bytes else { return Place::None };
    if !taken.contains(bytes) {
        *left_out += 1;
        return Place::LeftOut;
    }
    let next = numbers.len() + 1;
    match numbers.get(bytes) {
        Some(&number) => Place::Same(number),
        None => {
            numbers.insert(bytes, next);
            Place::Here(next)
        }
    }
}

struct Room<'b> {
    left: usize,
    taken: HashSet<&'b [u8]>,
}

impl<'b> Room<'b> {
    fn take(&mut self, bytes: &'b [u8], written: usize) {
        if written <= self.left && self.taken.insert(bytes) {
            self.left -= written;
        }
    }
}

fn jpeg(shot: &Shot) -> Option<&[u8]> {
    shot.jpeg.as_deref()
}

fn html(shot: &Shot) -> Option<&[u8]> {
    shot.html.as_deref().map(str::as_bytes)
}

fn in_base64(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(3) * 4
}

/// As long as it is where each character that has a meaning in HTML is written as `&#34;`.
fn escaped(bytes: &[u8]) -> usize {
    bytes.len() + 4 * bytes.iter().filter(|byte| b"<>&\"'".contains(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Moment;

    fn step(jpeg: &[u8], html: &str) -> Step {
        let shot = Shot { moment: Moment::After, jpeg: Some(jpeg.to_vec()), html: Some(html.to_owned()) };
        Step { shots: vec![shot], ..Step::default() }
    }

    fn places(steps: Vec<Step>, first: usize, most: usize) -> (Vec<(Place, Place)>, usize) {
        let count = steps.len();
        let chosen = choose(&[Run { steps, ..Run::default() }], first, most);
        ((0..count).map(|index| chosen.at(index, 0)).collect(), chosen.left_out)
    }

    #[test]
    fn what_is_the_same_is_there_once() {
        let steps = vec![step(b"one", "<p>"), step(b"two", "<p>"), step(b"one", "<b>")];
        let (found, left_out) = places(steps, 2, 1000);
        use Place::{Here, Same};
        assert_eq!(found, [(Here(1), Here(1)), (Here(2), Same(1)), (Same(1), Here(2))]);
        assert_eq!(left_out, 0);
    }

    #[test]
    fn where_there_is_no_room_what_is_near_the_first_stays() {
        let steps = (0..5u8).map(|n| step(&[n; 30], &format!("page {n}"))).collect();
        // Two pictures of 40 and a page of 6; then one more picture does not fit, and six more pages would.
        let (found, left_out) = places(steps, 3, 40 + 6 + 40 + 6 * 2);
        assert_eq!(left_out, 5);
        assert!(matches!(found[3], (Place::Here(_), Place::Here(_))), "{found:?}");
        let pictures = found.iter().filter(|(picture, _)| *picture != Place::LeftOut).count();
        let pages = found.iter().filter(|(_, page)| *page != Place::LeftOut).count();
        assert_eq!((pictures, pages), (2, 3), "{found:?}");
        assert_eq!(found[0], (Place::LeftOut, Place::LeftOut));
    }
}
