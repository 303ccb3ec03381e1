//! Brings copies that are there under rules that changed since they were written.

use super::decide::{Context, LinkPlan, views, write_merged};
use super::merge::{FieldRules, Merged, add_missing};
use super::original::told_nothing;
use super::plan::Reason;
use super::rules::Rules;
use super::settings::Settings;
use super::view::{Past, View, has_ruled_meeting};
use crate::ids::{PerSide, Side};
use crate::link::Link;
use crate::model::{Field, Series, SeriesPatch};

/// Brings a link on which nothing changed under rules that did: names and texts that are made by a rule, and masks.
pub(super) fn restate(link: &Link, context: &Context<'_>, plan: &mut LinkPlan) {
    let (Some(a), Some(b)) = (&link.halves.a, &link.halves.b) else { return };
    if !link.is_dirty() {
        return;
    }
    let (Some((_, a)), Some((_, b))) = (a.latest(), b.latest()) else { return };
    let latest = PerSide { a, b };
    let views = views(context, plan);
    let rules = Rules::new(link, context, told_nothing(link, plan.masked));
    let mut merged = Merged::default();
    for from in Side::BOTH {
        let target = from.other();
        let masks = [link.masked, plan.masked].contains(&Some(from)) && link.masked != plan.masked;
        let meeting = has_ruled_meeting(latest.get(from));
        let depends = |field: Field| match field {
            Field::Busy => meeting,
            Field::Span | Field::Sensitivity | Field::Reminder | Field::Meeting => false,
            Field::Subject => masks || views.get(from).makes_subject_of(field),
            _ => masks,
        };
        let past = Past { was: None, theirs: Some(latest.get(target)) };
        let shown = views.get(from).show(latest.get(from), past);
        let patch = latest.get(target).diff(&shown);
        *merged.to.get_mut(target) = patch
            .only(|field| depends(field) && rules.may_write(target, field) && rules.holds(target, field));
        if let Some(before) = context.before {
            let renewed = restated(from, (before, link.masked), (context.settings, plan.masked), &latest);
            let renewed = renewed.only(|field| rules.may_write(target, field) && rules.holds(target, field));
            add_missing(merged.to.get_mut(target), renewed);
        }
    }
    write_merged(link, &latest, merged, &Reason::RulesChanged, plan);
}

/// What a changed rule makes of the copy of what `from` shows: the difference of what was shown there and what is to be, and
/// of that only what the copy does not say yet. `was` and `is` are the rules, with the side whose copies are masked.
fn restated(
    from: Side,
    was: (&Settings, Option<Side>),
    is: (&Settings, Option<Side>),
    latest: &PerSide<&Series>,
) -> SeriesPatch {
    let (before, now) = (was.0.outward.get(from), is.0.outward.get(from));
    // Types are named by the side that the other one's names come from.
    let names = if is.0.direction.writes(Side::B) { Side::A } else { Side::B };
    let depends = |field: Field| match field {
        Field::Subject => before.subject != now.subject || before.mask != now.mask && is.1 == Some(from),
        Field::Notes => before.plain_notes != now.plain_notes,
        _ => false,
    };
    let theirs = *latest.get(from.other());
    let shown = |(settings, masked), past| View::new(settings, from, masked).show(latest.get(from), past);
    let difference = |past| shown(was, past).diff(&shown(is, past));
    let mut renewed = difference(Past { was: None, theirs: Some(theirs) }).only(depends);
    if was.0.categories != is.0.categories && from == names {
        // Not by what they are called there: that name may mean itself under the new rule.
        add_missing(&mut renewed, difference(Past::default()).only(|field| field == Field::Categories));
    }
    renewed.pending(theirs)
}
