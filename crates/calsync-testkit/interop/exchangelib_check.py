#!/usr/bin/env python3
"""Uses the mock Exchange through exchangelib, an EWS client that knows nothing of this project.

    exchangelib_check.py MOCK_EXCHANGE [RELEASE ...] [--trace DIR]

MOCK_EXCHANGE is the built example of that name. For every release the script starts a mock of its own, then lists, creates,
changes and deletes single, all-day and recurring appointments on it, over HTTP with Basic authentication. Prints a line for
each check that fails, then `N passed, N failed`; exit status 1 if any failed.
"""
import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import traceback

from exchangelib import (
    BASIC, DELEGATE, IMPERSONATION, Account, Body, CalendarItem, Configuration, Credentials, EWSDate, EWSDateTime,
    EWSTimeZone, ExtendedProperty, HTMLBody, Q, UTC,
)
from exchangelib.errors import (
    ErrorAccessDenied, ErrorFolderNotFound, ErrorImpersonateUserDenied, ErrorIrresolvableConflict, ErrorItemNotFound,
    ErrorNonExistentMailbox, ErrorOccurrenceCrossingBoundary, UnauthorizedError,
)
from exchangelib.fields import FRIDAY, LAST, MONDAY, THURSDAY, TUESDAY, WEEK_DAY
from exchangelib.recurrence import (
    AbsoluteMonthlyPattern, AbsoluteYearlyPattern, DailyPattern, Recurrence, RelativeMonthlyPattern,
    RelativeYearlyPattern, WeeklyPattern,
)

BERLIN = EWSTimeZone('Europe/Berlin')
RELEASES = ['exchange2010_sp2', 'exchange2013_sp1', 'exchange2016', 'exchange_se']


class SyncId(ExtendedProperty):
    property_set_id = '5f3b7b52-9c9c-4d0e-8b55-0d6f6a4f3c11'
    property_name = 'interop-id'
    property_type = 'String'


CalendarItem.register('interop_id', SyncId)


def at(y, m, d, hh, mm=0, tz=BERLIN):
    return EWSDateTime(y, m, d, hh, mm, tzinfo=tz)


class Run:
    def __init__(self, release, info):
        self.release, self.info = release, info
        self.passed = self.failed = 0
        self.anna = self.account(info['owner'], info['owner']['mailbox'])

    def account(self, login, mailbox, access=DELEGATE, password=None):
        config = Configuration(
            service_endpoint=self.info['exchange_url'],
            credentials=Credentials(login['user'], password or login['password']),
            auth_type=BASIC,
        )
        return Account(mailbox, config=config, autodiscover=False, access_type=access, default_timezone=BERLIN)

    def check(self, what, ok, seen=''):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            print(f'{self.release}: {what}: failed {seen!r}')

    def equal(self, what, seen, wanted):
        self.check(what, seen == wanted, (seen, wanted))

    def raises(self, what, error, act):
        try:
            act()
        except error:
            self.check(what, True)
        except Exception as e:  # noqa: BLE001 - any other error is the finding
            self.check(what, False, e)
        else:
            self.check(what, False, 'no error')

    def step(self, act):
        try:
            act()
        except Exception:
            self.failed += 1
            print(f'{self.release}: {act.__name__} stopped')
            traceback.print_exc()

    def window(self, start, end):
        return list(self.anna.calendar.view(start=start, end=end))

    # -- what the mock is asked to do ------------------------------------------------------------------------------

    def single(self):
        cal = self.anna.calendar
        item = CalendarItem(
            account=self.anna, folder=cal, subject='Prüfung <&> "Ä"', body=Body('eins\nzwei & drei'), location='Halle <3>',
            start=at(2026, 12, 1, 9), end=at(2026, 12, 1, 10, 30), categories=['Rot', 'Grün'], sensitivity='Private',
            legacy_free_busy_status='OOF', reminder_is_set=True, reminder_minutes_before_start=45, interop_id='t-1',
        )
        item.save()
        self.check('a new item has an id and a change key', item.id and item.changekey)
        seen = cal.get(interop_id='t-1')
        self.equal('id', seen.id, item.id)
        self.equal('subject', seen.subject, 'Prüfung <&> "Ä"')
        self.equal('location', seen.location, 'Halle <3>')
        self.equal('body', str(seen.body).splitlines(), ['eins', 'zwei & drei'])
        self.equal('start', seen.start, at(2026, 12, 1, 9))
        self.equal('end', seen.end, at(2026, 12, 1, 10, 30))
        self.equal('categories', seen.categories, ['Rot', 'Grün'])
        self.equal('sensitivity', seen.sensitivity, 'Private')
        self.equal('busy status', seen.legacy_free_busy_status, 'OOF')
        self.equal('reminder', (seen.reminder_is_set, seen.reminder_minutes_before_start), (True, 45))
        self.equal('kind', (seen.type, seen.is_all_day, seen.is_meeting), ('Single', False, False))
        self.equal('zone', str(seen._start_timezone), 'Europe/Berlin')
        self.check('a UID was made', seen.uid.startswith('040000008200E00074C5B7101A82E008'))
        old_key = seen.changekey

        seen.subject, seen.start, seen.end = 'Verschoben', at(2026, 12, 2, 14), at(2026, 12, 2, 15)
        seen.save(update_fields=['subject', 'start', 'end'])
        self.check('a change gives a new key and keeps the id', seen.changekey != old_key and seen.id == item.id)
        seen.location = None
        seen.save(update_fields=['location'])
        seen.refresh()
        self.equal('changed subject', seen.subject, 'Verschoben')
        self.equal('changed start', seen.start, at(2026, 12, 2, 14))
        self.equal('cleared location', seen.location, None)
        self.equal('untouched field', seen.legacy_free_busy_status, 'OOF')

        stale = CalendarItem(account=self.anna, folder=cal, id=seen.id, changekey=old_key, subject='zu spät')
        self.raises('a stale key is a conflict', ErrorIrresolvableConflict,
                    lambda: stale.save(update_fields=['subject'], conflict_resolution='NeverOverwrite'))
        self.equal('after it', cal.get(interop_id='t-1').subject, 'Verschoben')

        html = CalendarItem(account=self.anna, folder=cal, subject='html', body=HTMLBody('<p>fett <b>ja</b></p>'),
                            start=at(2026, 12, 3, 9), end=at(2026, 12, 3, 10))
        html.save()
        html.refresh()
        self.check('HTML stays HTML', isinstance(html.body, HTMLBody) and '<b>ja</b>' in html.body, html.body)
        self.equal('HTML as text', html.text_body.strip() if html.text_body else 'fett ja', 'fett ja')
        html.delete()

        copy_id = seen.copy(to_folder=self.anna.calendar)
        copies = list(cal.filter(interop_id='t-1'))
        self.equal('a copy takes extended properties along', len(copies), 2)
        for copy in copies:
            if copy.id != seen.id:
                copy.delete()
        self.check('a copy is another item', copy_id is None or copy_id != (seen.id, seen.changekey))

        moved_from = seen.id
        seen.move_to_trash()
        self.equal('gone from the calendar', list(cal.filter(interop_id='t-1')), [])
        trash = [t for t in self.anna.trash.all() if t.subject == 'Verschoben']
        self.equal('in Deleted Items', len(trash), 1)
        self.check('under a new id', trash[0].id != moved_from)
        self.raises('the old id is dead', ErrorItemNotFound, lambda: cal.get(id=moved_from, changekey=None))

    def lists(self):
        cal = self.anna.calendar
        for n in range(5):
            CalendarItem(account=self.anna, folder=cal, subject=f'Liste {n}', start=at(2027, 1, 4 + n, 8),
                         end=at(2027, 1, 4 + n, 9)).save()
        self.equal('by subject', cal.filter(subject='Liste 3').count(), 1)
        self.equal('by part of a subject', cal.filter(subject__contains='Liste').count(), 5)
        late = cal.filter(start__gte=at(2027, 1, 6, 0), start__lt=at(2027, 2, 1, 0)).order_by('start')
        self.equal('by start', [i.subject for i in late], ['Liste 2', 'Liste 3', 'Liste 4'])
        self.equal('either', sorted(i.subject for i in cal.filter(Q(subject='Liste 0') | Q(subject='Liste 4'))),
                   ['Liste 0', 'Liste 4'])
        paged = cal.all()
        paged.page_size = 2
        cal.refresh()
        self.equal('in pages', len(list(paged)), cal.total_count)
        ids = [(i.id, i.changekey) for i in cal.filter(subject__contains='Liste')]
        self.equal('fetch by id', sorted(i.subject for i in self.anna.fetch(ids)), [f'Liste {n}' for n in range(5)])
        self.equal('delete many', self.anna.bulk_delete(ids), [True] * 5)

    def all_day(self):
        # Not over a change to summer time: exchangelib takes 24 hours from the end and then looks at the date.
        cal = self.anna.calendar
        item = CalendarItem(account=self.anna, folder=cal, subject='Urlaub', is_all_day=True, start=EWSDate(2026, 6, 28),
                            end=EWSDate(2026, 6, 29), legacy_free_busy_status='Free')
        item.save()
        item.refresh()
        self.equal('days', (item.is_all_day, item.start, item.end), (True, EWSDate(2026, 6, 28), EWSDate(2026, 6, 29)))
        raw = [(v.start, v.end) for v in self.window(at(2026, 6, 28, 0), at(2026, 6, 30, 0)) if v.subject == 'Urlaub']
        self.equal('in a view', raw, [(EWSDate(2026, 6, 28), EWSDate(2026, 6, 29))])
        item.start, item.end = EWSDate(2026, 4, 1), EWSDate(2026, 4, 1)
        item.save(update_fields=['start', 'end'])
        item.refresh()
        self.equal('moved', (item.start, item.end), (EWSDate(2026, 4, 1), EWSDate(2026, 4, 1)))
        yearly = CalendarItem(
            account=self.anna, folder=cal, subject='Geburtstag', is_all_day=True, start=EWSDate(2026, 5, 17),
            end=EWSDate(2026, 5, 17),
            recurrence=Recurrence(pattern=AbsoluteYearlyPattern(day_of_month=17, month=5), start=EWSDate(2026, 5, 17), number=3),
        )
        yearly.save()
        seen = [v.start for v in self.window(at(2026, 5, 1, 0), at(2028, 4, 1, 0)) if v.subject == 'Geburtstag']
        self.equal('all-day series', seen, [EWSDate(2026, 5, 17), EWSDate(2027, 5, 17)])
        item.delete()
        yearly.delete()

    def patterns(self):
        first, n = dt.date(2026, 10, 1), 6
        days = [first + dt.timedelta(days=k) for k in range(900)]

        def month_ends():
            return [d for d in days if (d + dt.timedelta(days=1)).day == 1]

        def last_fridays():
            return [d for d in days if d.weekday() == 4 and (d + dt.timedelta(days=7)).month != d.month]

        def last_working_days_of_march():
            per_year = {}
            for d in days:
                if d.month == 3 and d.weekday() < 5:
                    per_year[d.year] = d
            return list(per_year.values())

        cases = [
            ('every third day', DailyPattern(interval=3), days[::3]),
            ('every second week', WeeklyPattern(interval=2, weekdays=[TUESDAY, THURSDAY], first_day_of_week=MONDAY),
             [d for d in days if d.weekday() in (1, 3) and ((d - dt.date(2026, 9, 28)).days // 7) % 2 == 0]),
            ('day 31', AbsoluteMonthlyPattern(interval=1, day_of_month=31), month_ends()),
            ('last Friday of every second month', RelativeMonthlyPattern(interval=2, weekday=FRIDAY, week_number=LAST),
             [d for d in last_fridays() if (d.month - 10) % 2 == 0]),
            ('yearly on 24 December', AbsoluteYearlyPattern(day_of_month=24, month=12),
             [d for d in days if (d.month, d.day) == (12, 24)]),
            ('last working day of March', RelativeYearlyPattern(weekday=WEEK_DAY, week_number=LAST, month=3),
             last_working_days_of_march()),
        ]
        for name, pattern, expected in cases:
            start = expected[0]
            day = EWSDate(start.year, start.month, start.day)
            master = CalendarItem(
                account=self.anna, folder=self.anna.calendar, subject=name, start=at(start.year, start.month, start.day, 9),
                end=at(start.year, start.month, start.day, 10), recurrence=Recurrence(pattern=pattern, start=day, number=n),
            )
            master.save()
            views = [v for y in (2026, 2027, 2028) for v in self.window(at(y, 1, 1, 0), at(y + 1, 1, 1, 0)) if v.subject == name]
            seen = [v.start.astimezone(BERLIN) for v in views]
            wanted = [d for d in expected[:n] if d < dt.date(2029, 1, 1)]
            self.equal(f'{name}: dates', [s.date() for s in seen], wanted)
            self.equal(f'{name}: the hour stays over summer time', {s.hour for s in seen}, {9})
            self.equal(f'{name}: kind', {v.type for v in views}, {'Occurrence'})
            master.refresh()
            self.equal(f'{name}: master', (master.type, master.start), ('RecurringMaster', at(start.year, start.month, start.day, 9)))
            self.equal(f'{name}: pattern comes back', master.recurrence.pattern, pattern)
            self.equal(f'{name}: range comes back', (master.recurrence.boundary.start, master.recurrence.boundary.number), (day, n))
            master.delete()
            self.equal(f'{name}: all gone', [v for v in self.window(at(2026, 9, 1, 0), at(2027, 9, 1, 0)) if v.subject == name], [])

    def exceptions(self):
        master = CalendarItem(
            account=self.anna, folder=self.anna.calendar, subject='Jour fixe', body='Plan', start=at(2026, 10, 13, 9),
            end=at(2026, 10, 13, 10), location='Büro', interop_id='serie-1',
            recurrence=Recurrence(pattern=WeeklyPattern(interval=1, weekdays=[TUESDAY]), start=EWSDate(2026, 10, 13),
                                  end=EWSDate(2026, 11, 24)),
        )
        master.save()
        second = master.occurrence(index=2)
        second.refresh()
        self.equal('second occurrence', (second.type, second.start), ('Occurrence', at(2026, 10, 20, 9)))
        self.equal('it inherits', (second.subject, second.location, second.interop_id), ('Jour fixe', 'Büro', 'serie-1'))
        second.subject, second.start, second.end = 'Jour fixe (neu)', at(2026, 10, 21, 11), at(2026, 10, 21, 12)
        second.save(update_fields=['subject', 'start', 'end'])
        master.occurrence(index=4).delete()

        master.refresh()
        self.equal('one modified', [(m.original_start, m.start) for m in master.modified_occurrences],
                   [(at(2026, 10, 20, 9), at(2026, 10, 21, 11))])
        self.equal('one deleted', [d.start for d in master.deleted_occurrences], [at(2026, 11, 3, 9)])
        self.equal('first and last', (master.first_occurrence.start, master.last_occurrence.start),
                   (at(2026, 10, 13, 9), at(2026, 11, 24, 9)))
        views = [v for v in self.window(at(2026, 10, 1, 0), at(2026, 12, 31, 0)) if v.subject.startswith('Jour fixe')]
        self.equal('what stands', [v.start for v in views],
                   [at(2026, 10, 13, 9), at(2026, 10, 21, 11), at(2026, 10, 27, 9), at(2026, 11, 10, 9), at(2026, 11, 17, 9),
                    at(2026, 11, 24, 9)])
        self.equal('kinds', [v.type for v in views], ['Occurrence', 'Exception'] + ['Occurrence'] * 4)
        changed = master.occurrence(index=2)
        changed.refresh()
        self.equal('exception', (changed.type, changed.subject, changed.location), ('Exception', 'Jour fixe (neu)', 'Büro'))
        self.equal('one key for all', changed.changekey, master.changekey)
        self.equal('back to the master', changed.recurring_master().account, self.anna)

        third = master.occurrence(index=3)
        third.refresh()
        third.start, third.end = at(2026, 11, 10, 9), at(2026, 11, 10, 10)
        self.raises('no occurrence passes its neighbour', ErrorOccurrenceCrossingBoundary,
                    lambda: third.save(update_fields=['start', 'end']))

        master.subject = 'Wochenrunde'
        master.save(update_fields=['subject'])
        subjects = [v.subject for v in self.window(at(2026, 10, 1, 0), at(2026, 12, 31, 0)) if v.type != 'Single']
        self.equal('exceptions keep what is their own', subjects, ['Wochenrunde', 'Jour fixe (neu)'] + ['Wochenrunde'] * 4)
        master.refresh()
        master.recurrence = Recurrence(pattern=WeeklyPattern(interval=2, weekdays=[TUESDAY]), start=EWSDate(2026, 10, 13), number=4)
        master.save(update_fields=['recurrence'])
        master.refresh()
        self.equal('a new pattern drops exceptions', (master.modified_occurrences, master.deleted_occurrences), (None, None))
        master.delete()

    def sync(self):
        cal = self.anna.calendar
        first = list(cal.sync_items())
        self.equal('the first sync lists everything', len(first), cal.all().count())
        item = CalendarItem(account=self.anna, folder=cal, subject='Sync', start=at(2026, 12, 7, 9), end=at(2026, 12, 7, 10))
        item.save()
        self.equal('created', [(kind, i.id) for kind, i in cal.sync_items()], [('create', item.id)])
        item.subject = 'Sync 2'
        item.save(update_fields=['subject'])
        self.equal('updated', [(kind, i.changekey) for kind, i in cal.sync_items()], [('update', item.changekey)])
        item_id = item.id
        item.delete()
        self.equal('deleted', [(kind, i.id) for kind, i in cal.sync_items()], [('delete', item_id)])
        self.equal('quiet', list(cal.sync_items()), [])

    def access(self):
        service = self.info['service']
        jonas = self.account(service, service['mailbox'])
        item = CalendarItem(account=jonas, folder=jonas.calendar, subject='von außen', start=at(2026, 12, 8, 9), end=at(2026, 12, 8, 10))
        item.save()
        self.equal('an editor writes', [i.subject for i in jonas.calendar.all()], ['von außen'])
        item.delete()
        anna = self.account(service, self.info['owner']['mailbox'])
        self.raises('without rights there is no calendar', (ErrorFolderNotFound, ErrorAccessDenied), lambda: anna.calendar.all().count())
        acting = self.account(service, self.info['owner']['mailbox'], IMPERSONATION)
        self.check('impersonation opens it', acting.calendar.all().count() >= 0)
        owner = self.info['owner']
        denied = self.account(owner, service['mailbox'], IMPERSONATION)
        self.raises('not for everybody', ErrorImpersonateUserDenied, lambda: denied.calendar.all().count())
        nobody = self.account(service, 'niemand@example.test')
        self.raises('an unknown mailbox', ErrorNonExistentMailbox, lambda: nobody.calendar.all().count())
        wrong = self.account(dict(owner, user='jonas.weber@example.test'), owner['mailbox'], password='falsch')
        self.raises('a wrong password', UnauthorizedError, lambda: wrong.calendar.all().count())

    def zones(self):
        zones = {z.id for z in self.anna.protocol.get_timezones(return_full_timezone_data=True)}
        self.check('server zones', {'W. Europe Standard Time', 'Eastern Standard Time'} <= zones)
        tokyo = EWSTimeZone('Asia/Tokyo')
        item = CalendarItem(account=self.anna, folder=self.anna.calendar, subject='Tokio', start=at(2026, 12, 9, 9, tz=tokyo),
                            end=at(2026, 12, 9, 10, tz=tokyo))
        item.save()
        item.refresh()
        self.equal('another zone', (item.start, str(item._start_timezone)), (at(2026, 12, 9, 0, tz=UTC), 'Asia/Tokyo'))
        item.delete()
        names = self.anna.protocol.resolve_names(['jonas'])
        self.equal('names resolve', [n.email_address for n in names], ['jonas.weber@example.test'])

    def all(self):
        for act in (self.single, self.lists, self.all_day, self.patterns, self.exceptions, self.sync, self.access, self.zones):
            self.step(act)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('mock')
    p.add_argument('releases', nargs='*', default=RELEASES)
    p.add_argument('--trace')
    a = p.parse_args()
    passed = failed = 0
    for release in a.releases or RELEASES:
        command = [a.mock, release] + ([os.path.join(a.trace, release)] if a.trace else [])
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            run = Run(release, json.loads(server.stdout.readline()))
            run.all()
            print(f'{release}: {run.passed} passed, {run.failed} failed')
            passed, failed = passed + run.passed, failed + run.failed
        finally:
            server.stdin.close()
            server.wait(10)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
