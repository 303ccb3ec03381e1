//! Differences between two sequences.
//!
//! Myers' method with an end: sequences that differ in too much are one difference, so that time and memory stay
//! within bounds whatever is compared.

use std::ops::Range;

/// So many additions and removals are told apart.
const MOST: usize = 400;

/// In long sequences fewer, so that one comparison takes about so many steps at most.
const STEPS: usize = 4_000_000;

/// Where two sequences differ: what stands here in one of them stands there in the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hunk {
    pub(super) old: Range<usize>,
    pub(super) new: Range<usize>,
}

/// The differences, in order; everything between them is equal.
pub(super) fn diff<T: PartialEq>(old: &[T], new: &[T]) -> Vec<Hunk> {
    let front = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (inner_old, inner_new) = (old.get(front..).unwrap_or_default(), new.get(front..).unwrap_or_default());
    let back = inner_old.iter().rev().zip(inner_new.iter().rev()).take_while(|(old, new)| old == new).count();
    let inner_old = inner_old.get(..inner_old.len() - back).unwrap_or_default();
    let inner_new = inner_new.get(..inner_new.len() - back).unwrap_or_default();
    if inner_old.is_empty() && inner_new.is_empty() {
        return Vec::new();
    }
    let equal = common(inner_old, inner_new).unwrap_or_default();
    let mut hunks = Vec::new();
    let (mut from_old, mut from_new) = (0, 0);
    let ends = (inner_old.len(), inner_new.len());
    for (at_old, at_new) in equal.into_iter().chain([ends]) {
        if at_old > from_old || at_new > from_new {
            hunks.push(Hunk { old: front + from_old..front + at_old, new: front + from_new..front + at_new });
        }
        (from_old, from_new) = (at_old + 1, at_new + 1);
    }
    hunks
}

/// The positions of the longest common subsequence; `None` where there are more than [`MOST`] differences.
fn common<T: PartialEq>(old: &[T], new: &[T]) -> Option<Vec<(usize, usize)>> {
    // `reached[k]`: how far in `old` diagonal k - offset (`x - y`) came with that many differences.
    let length = old.len() + new.len();
    let most = MOST.min(length).min(STEPS / length.max(1));
    let offset = most + 1;
    let mut reached = vec![0_usize; 2 * offset + 1];
    let mut trace: Vec<Vec<usize>> = Vec::new();
    let at = |reached: &[usize], index: usize| reached.get(index).copied().unwrap_or(0);
    for differences in 0..=most {
        // Only what the next round reads is kept.
        trace.push(reached.get(offset - differences - 1..=offset + differences + 1)?.to_vec());
        for index in (offset - differences..=offset + differences).step_by(2) {
            let down = index == offset - differences
                || (index != offset + differences && at(&reached, index - 1) < at(&reached, index + 1));
            let mut x = if down { at(&reached, index + 1) } else { at(&reached, index - 1) + 1 };
            // A diagonal outside of the table leads nowhere.
            let Some(mut y) = (x + offset).checked_sub(index) else { continue };
            while x < old.len() && y < new.len() && old.get(x) == new.get(y) {
                (x, y) = (x + 1, y + 1);
            }
            if let Some(slot) = reached.get_mut(index) {
                *slot = x;
            }
            if x >= old.len() && y >= new.len() {
                return Some(back(&trace, offset, (old.len(), new.len())));
            }
        }
    }
    None
}

/// Walks the way back that led to the end.
fn back(trace: &[Vec<usize>], offset: usize, end: (usize, usize)) -> Vec<(usize, usize)> {
    let mut equal = Vec::new();
    let (mut x, mut y) = end;
    for (differences, row) in trace.iter().enumerate().rev() {
        let first = offset - differences - 1;
        let at = |index: usize| row.get(index.wrapping_sub(first)).copied().unwrap_or(0);
        let index = x + offset - y;
        let down =
            index == offset - differences || (index != offset + differences && at(index - 1) < at(index + 1));
        let before = if differences == 0 {
            (0, 0)
        } else if down {
            let x = at(index + 1);
            (x, (x + offset).saturating_sub(index + 1))
        } else {
            let x = at(index - 1);
            (x, (x + offset).saturating_sub(index - 1))
        };
        while x > before.0 && y > before.1 {
            (x, y) = (x - 1, y - 1);
            equal.push((x, y));
        }
        (x, y) = before;
    }
    equal.reverse();
    equal
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hunks(old: &str, new: &str) -> Vec<Hunk> {
        diff(&old.chars().collect::<Vec<_>>(), &new.chars().collect::<Vec<_>>())
    }

    #[test]
    fn the_shortest_difference_is_found() {
        assert_eq!(hunks("abc", "abc"), []);
        assert_eq!(hunks("", "ab"), [Hunk { old: 0..0, new: 0..2 }]);
        assert_eq!(hunks("abc", "axc"), [Hunk { old: 1..2, new: 1..2 }]);
        assert_eq!(
            hunks("abcdef", "xbcdyef"),
            [Hunk { old: 0..1, new: 0..1 }, Hunk { old: 4..4, new: 4..5 }]
        );
    }

    #[test]
    fn too_many_differences_are_one() {
        let (old, new) = ("ab".repeat(900), "xay".repeat(900));
        assert_eq!(hunks(&old, &new), [Hunk { old: 0..1800, new: 0..2700 }]);
    }

    proptest! {
        #[test]
        fn hunks_turn_one_into_the_other(old in "[ab\n]{0,40}", new in "[ab\n]{0,40}") {
            let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
            let mut out: Vec<char> = Vec::new();
            let mut at = 0;
            let found = diff(&old, &new);
            let changed: usize = found.iter().map(|hunk| hunk.old.len() + hunk.new.len()).sum();
            for hunk in found {
                out.extend(&old[at..hunk.old.start]);
                out.extend(&new[hunk.new]);
                at = hunk.old.end;
            }
            out.extend(&old[at..]);
            prop_assert_eq!(&out, &new);
            let mut longest = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
            for x in 1..=old.len() {
                for y in 1..=new.len() {
                    longest[x][y] = if old[x - 1] == new[y - 1] {
                        longest[x - 1][y - 1] + 1
                    } else {
                        longest[x - 1][y].max(longest[x][y - 1])
                    };
                }
            }
            prop_assert_eq!(changed, old.len() + new.len() - 2 * longest[old.len()][new.len()]);
        }
    }
}
