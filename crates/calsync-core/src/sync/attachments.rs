//! Which files a planned write brings along: none that the settings do not want, none that is too large.
//!
//! A file that is left out changes nothing on the other side: one that grew too large stays there as it was. That is
//! said once, when it was seen; afterwards both sides count as in step.

use super::decide::LinkPlan;
use super::plan::{Action, Reason};
use super::round::LeftOut;
use super::settings::AttachmentPolicy;
use crate::ids::Side;
use crate::link::Link;
use crate::model::{Attachment, Attachments, Change, SeriesPatch};
use crate::source::WriteOp;

/// Takes out of `plan` what is not to be carried.
pub(super) fn within_limits(link: &Link, policy: AttachmentPolicy, plan: &mut LinkPlan) {
    for side in Side::BOTH {
        let Some(write) = plan.writes.get_mut(side) else { continue };
        let mut left_out = 0;
        let nothing_left = match &mut write.op {
            WriteOp::Create { series, .. } => {
                let fits = fitting(&series.event.attachments, policy);
                left_out = series.event.attachments.len() - fits.len();
                series.event.attachments = fits;
                false
            }
            WriteOp::Update { patch, .. } => {
                if let Some(change) = patch.master.attachments.take() {
                    let (fits, without) = fitting_change(change, policy);
                    left_out = without;
                    patch.master.attachments = fits;
                }
                patch.is_empty()
            }
            WriteOp::Delete { .. } => false,
        };
        if policy != AttachmentPolicy::Skip {
            let left = LeftOut { link: link.id, side, why: policy.too_large() };
            plan.left_out.extend(std::iter::repeat_n(left, left_out));
        }
        if nothing_left {
            *plan.writes.get_mut(side) = None;
            for step in plan.steps.iter_mut().filter(|step| step.action == Action::Update(side)) {
                step.action = Action::Leave;
                step.reason = Reason::NotCarried(side.other());
                step.paths.clear();
            }
        } else if left_out > 0
            && let Some(WriteOp::Update { patch, .. }) = plan.writes.get(side).as_ref().map(|write| &write.op)
        {
            rename_paths(plan.steps.iter_mut(), side, patch);
        }
    }
}

/// A step says what its write still changes.
fn rename_paths<'a>(steps: impl Iterator<Item = &'a mut super::plan::Step>, side: Side, patch: &SeriesPatch) {
    for step in steps.filter(|step| step.action == Action::Update(side)) {
        step.paths = patch.paths();
    }
}

fn fits(file: &Attachment, policy: AttachmentPolicy) -> bool {
    match policy {
        AttachmentPolicy::Skip => false,
        // Where nobody says how large it is, reading it will tell.
        AttachmentPolicy::Carry { max_bytes } => file.size.is_none_or(|size| size <= max_bytes),
    }
}

fn fitting(files: &Attachments, policy: AttachmentPolicy) -> Attachments {
    files.only(|file| fits(file, policy))
}

/// The change without files that do not fit, and how many these are.
fn fitting_change(
    change: Change<Attachments>,
    policy: AttachmentPolicy,
) -> (Option<Change<Attachments>>, usize) {
    let too_large = |file: &Attachment| !fits(file, policy);
    let without = change.incoming().filter(|file| too_large(file)).count();
    if without == 0 {
        return (Some(change), 0);
    }
    let stays = |file: &Attachment| change.from.get(&file.name, file.nth);
    let incoming: Vec<&Attachment> = change.incoming().collect();
    let to = change.to.iter().filter_map(|file| {
        let comes = incoming.contains(&file);
        if comes && too_large(file) { stays(file).cloned() } else { Some(file.clone()) }
    });
    let to = Attachments::numbered(to);
    let from = change.from;
    ((to != from).then_some(Change { from, to }), without)
}
