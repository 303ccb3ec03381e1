//! Which old line a new one comes from, and into which words a line is cut.

use std::ops::Range;

/// The words of a text: runs of letters and digits, and everything else character by character.
pub(super) fn words(text: &[char]) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    for (index, shown) in text.iter().enumerate() {
        let joins = index > 0
            && shown.is_alphanumeric()
            && text.get(index - 1).is_some_and(|before| before.is_alphanumeric());
        match words.last_mut().filter(|_| joins) {
            Some(word) => word.end = index + 1,
            None => words.push(index..index + 1),
        }
    }
    words
}

pub(super) fn slices<'a>(text: &'a [char], words: &[Range<usize>]) -> Vec<&'a [char]> {
    words.iter().map(|word| text.get(word.clone()).unwrap_or_default()).collect()
}

/// So many lines of a difference are compared with so many others at most.
const TABLE: usize = 2_500;

/// Pairs of lines that are most alike, in order.
pub(super) fn most_alike(old: &[String], new: &[&str]) -> Vec<(usize, usize)> {
    if old.is_empty() || new.is_empty() || old.len().saturating_mul(new.len()) > TABLE {
        return Vec::new();
    }
    let alike: Vec<Vec<usize>> =
        old.iter().map(|old| new.iter().map(|new| likeness(old, new)).collect()).collect();
    let like = |x: usize, y: usize| alike.get(x).and_then(|row| row.get(y)).copied().unwrap_or(0);
    let mut best = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    let at = |best: &[Vec<usize>], x: usize, y: usize| {
        best.get(x).and_then(|row| row.get(y)).copied().unwrap_or(0)
    };
    for x in (0..old.len()).rev() {
        for y in (0..new.len()).rev() {
            let pair = if like(x, y) > 0 { like(x, y) + at(&best, x + 1, y + 1) } else { 0 };
            let value = pair.max(at(&best, x + 1, y)).max(at(&best, x, y + 1));
            if let Some(slot) = best.get_mut(x).and_then(|row| row.get_mut(y)) {
                *slot = value;
            }
        }
    }
    let mut pairs = Vec::new();
    let (mut x, mut y) = (0, 0);
    while x < old.len() && y < new.len() {
        if like(x, y) > 0 && at(&best, x, y) == like(x, y) + at(&best, x + 1, y + 1) {
            pairs.push((x, y));
            (x, y) = (x + 1, y + 1);
        } else if at(&best, x, y) == at(&best, x + 1, y) {
            x += 1;
        } else {
            y += 1;
        }
    }
    pairs
}

/// So many characters of a line are compared.
const LOOKED_AT: usize = 200;

/// How much of two lines is the same at their start and end, in percent; nothing below a third. The signs of lists do
/// not count.
fn likeness(old: &str, new: &str) -> usize {
    let bare = |text: &str| -> usize {
        let blanks = text.len() - text.trim_start().len();
        let rest = text.trim_start();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let sign = rest.starts_with("- ")
            || (digits > 0 && rest.get(digits..).is_some_and(|after| after.starts_with(". ")));
        if sign { blanks + digits.max(1) + usize::from(digits > 0) + 1 } else { blanks }
    };
    let (old, new) = (old.get(bare(old)..).unwrap_or(old), new.get(bare(new)..).unwrap_or(new));
    let front = old.chars().zip(new.chars()).take(LOOKED_AT).take_while(|(old, new)| old == new).count();
    let back =
        old.chars().rev().zip(new.chars().rev()).take(LOOKED_AT).take_while(|(old, new)| old == new).count();
    let longest = old.chars().take(LOOKED_AT).count().max(new.chars().take(LOOKED_AT).count()).max(1);
    let percent = (front + back).min(longest) * 100 / longest;
    if percent >= 34 { percent } else { 0 }
}
