#!/usr/bin/env python3
"""What exchangelib's user meant is what NVS shows, and what NVS's user meant is what exchangelib shows.

    both_sides_check.py MOCK_SERVERS CALSYNCD [RELEASE ...]

Both are built programs. For every release the script starts the two mock servers with one empty pairing, enters recurring
appointments of every pattern and range through exchangelib, changes, moves and deletes occurrences, lets `calsyncd sync` run,
and reads NVS over HTTP. What must be seen is worked out here, day by day, from what was meant; the rules that NVS holds are
expanded by python-dateutil. Then the same the other way. Prints a line for each difference, then `N passed, N failed`.
"""
import argparse
import calendar
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
import urllib.request
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from exchangelib import (
    BASIC, DELEGATE, Account, CalendarItem, Configuration, Credentials, EWSDate, EWSDateTime, EWSTimeZone,
)
from exchangelib.fields import (
    DAY, FIRST, FOURTH, FRIDAY, LAST, MONDAY, SATURDAY, SECOND, SUNDAY, THIRD, THURSDAY, TUESDAY, WEDNESDAY, WEEK_DAY,
    WEEKEND_DAY,
)
from exchangelib.recurrence import (
    AbsoluteMonthlyPattern, AbsoluteYearlyPattern, DailyPattern, Recurrence, RelativeMonthlyPattern, RelativeYearlyPattern,
    WeeklyPattern,
)

RELEASES = ['exchange2010_sp2', 'exchange2013_sp1', 'exchange2016', 'exchange_se']
DAYS = [MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY]
LETTERS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU']
NTH = {1: FIRST, 2: SECOND, 3: THIRD, 4: FOURTH, -1: LAST}
WINDOW = dt.date(2026, 1, 1), dt.date(2029, 1, 1)


# -- what a pattern means: whether an appointment that begins on `first` takes place on `day` ---------------------------

def months_between(first, day):
    return (day.year - first.year) * 12 + day.month - first.month


def clamped(day, number):
    return day.day == min(number, calendar.monthrange(day.year, day.month)[1])


def is_nth(day, weekdays, nth):
    last = calendar.monthrange(day.year, day.month)[1]
    fitting = [d for d in range(1, last + 1) if day.replace(day=d).weekday() in weekdays]
    return len(fitting) >= abs(nth) and fitting[nth - 1 if nth > 0 else nth] == day.day


class Daily:
    def __init__(self, every):
        self.every = every
        self.exchange = DailyPattern(interval=every)
        self.rule = f'FREQ=DAILY;INTERVAL={every}'

    def fits(self, first, day):
        return (day - first).days % self.every == 0


class Weekly:
    def __init__(self, every, weekdays, begins=0):
        self.every, self.weekdays, self.begins = every, weekdays, begins
        self.exchange = WeeklyPattern(interval=every, weekdays=[DAYS[d] for d in weekdays], first_day_of_week=DAYS[begins])
        self.rule = f'FREQ=WEEKLY;INTERVAL={every};BYDAY={",".join(LETTERS[d] for d in weekdays)};WKST={LETTERS[begins]}'

    def fits(self, first, day):
        def week(d):
            return d - dt.timedelta(days=(d.weekday() - self.begins) % 7)
        return day.weekday() in self.weekdays and (week(day) - week(first)).days // 7 % self.every == 0


class MonthlyOn:
    def __init__(self, every, number):
        self.every, self.number = every, number
        self.exchange = AbsoluteMonthlyPattern(interval=every, day_of_month=number)
        self.rule = f'FREQ=MONTHLY;INTERVAL={every};BYMONTHDAY={number}'

    def fits(self, first, day):
        return clamped(day, self.number) and months_between(first, day) % self.every == 0


class MonthlyNth:
    def __init__(self, every, nth, kind):
        self.every, self.nth = every, nth
        self.weekdays = {DAY: range(7), WEEK_DAY: range(5), WEEKEND_DAY: (5, 6)}.get(kind) or (DAYS.index(kind),)
        self.exchange = RelativeMonthlyPattern(interval=every, weekday=kind, week_number=NTH[nth])
        self.rule = f'FREQ=MONTHLY;INTERVAL={every};BYDAY={",".join(LETTERS[d] for d in self.weekdays)};BYSETPOS={nth}'

    def fits(self, first, day):
        return is_nth(day, self.weekdays, self.nth) and months_between(first, day) % self.every == 0


class YearlyOn:
    def __init__(self, month, number):
        self.month, self.number = month, number
        self.exchange = AbsoluteYearlyPattern(day_of_month=number, month=month)
        self.rule = f'FREQ=YEARLY;BYMONTH={month};BYMONTHDAY={number}'

    def fits(self, first, day):
        return day.month == self.month and clamped(day, self.number)


class YearlyNth:
    def __init__(self, month, nth, kind):
        self.month, self.nth = month, nth
        self.weekdays = {DAY: range(7), WEEK_DAY: range(5), WEEKEND_DAY: (5, 6)}.get(kind) or (DAYS.index(kind),)
        self.exchange = RelativeYearlyPattern(weekday=kind, week_number=NTH[nth], month=month)
        self.rule = f'FREQ=YEARLY;BYMONTH={month};BYDAY={",".join(LETTERS[d] for d in self.weekdays)};BYSETPOS={nth}'

    def fits(self, first, day):
        return day.month == self.month and is_nth(day, self.weekdays, self.nth)


class Series:
    """A series as somebody means it, and what became of its occurrences."""

    def __init__(self, name, pattern, begin, zone='Europe/Berlin', time=dt.time(9), minutes=60, all_day=False, count=None, until=None):
        self.name, self.pattern, self.zone, self.time = name, pattern, zone, time
        self.minutes, self.all_day, self.count, self.until = minutes, all_day, count, until
        self.first = next(d for d in days(begin) if pattern.fits(begin, d))
        # Where the first day is not `begin`, periods are counted from it.
        self.changed = {}
        self.deleted = set()

    def dates(self):
        found = []
        for day in days(self.first):
            if day >= WINDOW[1] or (self.until and day > self.until) or (self.count and len(found) == self.count):
                return found
            if self.pattern.fits(self.first, day):
                found.append(day)
        return found

    def shown(self):
        """What a person sees: start, end, subject, place of each occurrence."""
        tiles = []
        for day in self.dates():
            if day in self.deleted:
                continue
            own = {'subject': self.name, 'place': 'Werk', 'days': 0, 'minutes': 0, **self.changed.get(day, {})}
            if self.all_day:
                start = day + dt.timedelta(days=own['days'])
                span = (start.isoformat(), (start + dt.timedelta(days=1)).isoformat())
            else:
                start = dt.datetime.combine(day, self.time) + dt.timedelta(days=own['days'], minutes=own['minutes'])
                span = instants(start, start + dt.timedelta(minutes=self.minutes), self.zone)
            tiles.append((*span, own['subject'], own['place']))
        return sorted(tiles)


def days(first):
    return (first + dt.timedelta(days=k) for k in range(5000))


def utc(local, zone):
    """A clock reading as an instant; one that the clocks skip is as much later as they skip (RFC 5545, 3.3.5)."""
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')


def instants(start, end, zone):
    """Both ends as instants. Where the clocks skip the start, it is later than it says, and the end is never before it."""
    return utc(start, zone), max(utc(start, zone), utc(end, zone))


def of_every_kind():
    begin = dt.date(2026, 2, 2)
    end = dt.date(2026, 12, 31)
    yield Series('täglich', Daily(1), begin, until=dt.date(2026, 4, 30))
    yield Series('jeden dritten Tag', Daily(3), begin, 'America/New_York', dt.time(17, 30), count=40)
    yield Series('halb drei nachts', Daily(1), dt.date(2026, 3, 20), time=dt.time(2, 30), minutes=30, count=20)
    yield Series('wöchentlich', Weekly(1, [1]), begin)
    yield Series('zweiwöchentlich', Weekly(2, [1, 3]), begin, 'Asia/Kolkata', dt.time(10), count=25)
    yield Series('Wochen ab Sonntag', Weekly(2, [0, 6], begins=6), begin, 'America/New_York', until=end)
    yield Series('Wochen ab Montag', Weekly(2, [0, 6]), begin, count=20)
    yield Series('werktags', Weekly(1, [0, 1, 2, 3, 4]), begin, 'Australia/Adelaide', dt.time(8, 15), count=60)
    for number in (1, 15, 28, 29, 30, 31):
        yield Series(f'monatlich am {number}.', MonthlyOn(1, number), dt.date(2026, 1, number), count=20)
    yield Series('alle drei Monate am 31.', MonthlyOn(3, 31), dt.date(2026, 1, 31), until=dt.date(2027, 12, 31))
    kinds = [(1, MONDAY), (2, TUESDAY), (3, WEDNESDAY), (4, THURSDAY), (-1, FRIDAY), (1, WEEK_DAY), (-1, WEEK_DAY),
             (1, WEEKEND_DAY), (-1, WEEKEND_DAY), (2, WEEK_DAY), (1, DAY), (-1, DAY), (3, DAY)]
    for nth, kind in kinds:
        yield Series(f'monatlich {nth} {kind}', MonthlyNth(1, nth, kind), begin, 'America/Sao_Paulo', dt.time(12), count=14)
    yield Series('jeden zweiten Monat der letzte Freitag', MonthlyNth(2, -1, FRIDAY), begin)
    yield Series('Heiligabend', YearlyOn(12, 24), begin)
    yield Series('29. Februar', YearlyOn(2, 29), dt.date(2026, 2, 28), count=3)
    yield Series('erster Advent so ungefähr', YearlyNth(11, -1, SUNDAY), begin, 'Pacific/Auckland', dt.time(7), count=3)
    yield Series('letzter Werktag im März', YearlyNth(3, -1, WEEK_DAY), begin, until=dt.date(2028, 12, 31))
    yield Series('Geburtstag', YearlyOn(5, 17), begin, all_day=True)
    yield Series('ganztägig mittwochs', Weekly(1, [2]), begin, all_day=True, count=30)
    yield Series('ganztägig am Monatsende', MonthlyOn(1, 31), dt.date(2026, 1, 31), all_day=True, until=end)
    yield Series('ganztägig anderswo', Weekly(2, [4]), begin, 'Asia/Tokyo', all_day=True, count=12)


# -- NVS, over HTTP ----------------------------------------------------------------------------------------------------

class Nvs:
    def __init__(self, url, token, unit):
        self.url, self.token, self.unit, self.keys = url, token, unit, 0

    def ask(self, path, body=None):
        request = urllib.request.Request(
            self.url + path, None if body is None else json.dumps(body).encode(),
            {'Authorization': f'Bearer {self.token}', 'Content-Type': 'application/json'})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def all(self):
        """Everything in the unit, by subject."""
        ids, cursor = [], ''
        while True:
            page = self.ask(f'/v1/units/{self.unit}/changes{cursor}')
            ids += [e['id'] for e in page['entries'] if not e.get('removed') and e['id'] not in ids]
            if not page['more']:
                break
            cursor = f'?cursor={page["cursor"]}'
        found = {}
        for at in range(0, len(ids), 100):
            for entry in self.ask('/v1/appointments/read', {'unit': self.unit, 'ids': ids[at:at + 100]})['results']:
                if entry['state'] == 'present':
                    found.setdefault(entry['appointment']['subject'], []).append(entry['appointment'])
        return found

    def write(self, **write):
        self.keys += 1
        write = {'key': f'interop-{self.keys}', 'unit': self.unit, **write}
        result = self.ask('/v1/writes', {'writes': [write]})['results'][0]
        if result['outcome'] != 'applied':
            raise RuntimeError(f'refused: {result}')


def expanded(appointment):
    """What a person sees of an NVS document, its rule expanded by python-dateutil."""
    def local(moment):
        return dt.datetime.fromisoformat(moment['at'] if 'at' in moment else moment['date'])
    start, end = local(appointment['start']), local(appointment['end'])
    zone = appointment['start'].get('zone')
    parts = dict(part.split('=') for part in appointment['rule'].split(';'))
    until = parts.pop('UNTIL', None)
    if until and until.endswith('Z'):
        at = dt.datetime.strptime(until, '%Y%m%dT%H%M%SZ').replace(tzinfo=dt.timezone.utc)
        until = at.astimezone(ZoneInfo(zone)).strftime('%Y%m%dT%H%M%S')
    if until:
        parts['UNTIL'] = until
    rule = rrulestr(';'.join(f'{name}={value}' for name, value in parts.items()), dtstart=start)
    tiles = []
    for at in rule.between(start, dt.datetime.combine(WINDOW[1], dt.time()), inc=True):
        if at.date() >= WINDOW[1]:
            break
        key = at.isoformat() if zone else at.date().isoformat()
        own = appointment.get('overrides', {}).get(key, {})
        if own.get('cancelled'):
            continue
        begin = local(own['start']) if 'start' in own else at
        finish = local(own['end']) if 'end' in own else begin + (end - start)
        of = own.get('start', appointment['start']).get('zone')
        span = instants(begin, finish, of) if zone else (begin.date().isoformat(), finish.date().isoformat())
        tiles.append((*span, own.get('subject', appointment['subject']), own.get('place', appointment.get('place', ''))))
    return sorted(tiles)


# -- one release -------------------------------------------------------------------------------------------------------

class Run:
    def __init__(self, release, info, calsyncd, folder):
        self.release, self.calsyncd, self.folder, self.info = release, calsyncd, folder, info
        self.passed = self.failed = 0
        pairing = info['pairings'][0]
        self.nvs = Nvs(info['nvs_url'], info['nvs_token'], pairing['unit'])
        config = Configuration(
            service_endpoint=info['exchange_url'], auth_type=BASIC,
            credentials=Credentials(info['exchange_user'], info['exchange_password']))
        self.account = Account(pairing['mailbox'], config=config, autodiscover=False, access_type=DELEGATE,
                               default_timezone=EWSTimeZone('Europe/Berlin'))
        with open(os.path.join(folder, 'nvs.token'), 'w') as file:
            file.write(info['nvs_token'])
        with open(os.path.join(folder, 'calsync.toml'), 'w') as file:
            file.write(f'''
[exchange]
url = "{info['exchange_url']}"
user = "{info['exchange_user']}"
password_env = "CALSYNC_INTEROP_PASSWORD"
[nvs]
url = "{info['nvs_url']}"
token_file = "nvs.token"
[store]
directory = "state"
''')
        self.run('pairing', 'add', 'interop', '--unit', pairing['unit'], '--mailbox', pairing['mailbox'])

    def run(self, *args):
        ran = subprocess.run(
            [self.calsyncd, '--config', os.path.join(self.folder, 'calsync.toml'), *args], capture_output=True, text=True,
            env={**os.environ, 'CALSYNC_INTEROP_PASSWORD': self.info['exchange_password'], 'LC_ALL': 'C'}, timeout=120)
        if ran.returncode:
            raise RuntimeError(f'calsyncd {" ".join(args)}: exit status {ran.returncode}\n{ran.stdout}{ran.stderr}')
        return ran.stdout

    def equal(self, what, seen, wanted):
        if seen == wanted:
            self.passed += 1
            return
        self.failed += 1
        lost = [tile for tile in wanted if tile not in seen]
        extra = [tile for tile in seen if tile not in wanted]
        print(f'{self.release}: {what}: {len(seen)} seen, {len(wanted)} meant; missing {lost[:3]}, extra {extra[:3]}')

    def step(self, what, act):
        try:
            act()
        except Exception:
            self.failed += 1
            print(f'{self.release}: {what} stopped')
            traceback.print_exc()

    def in_step(self, what):
        """Syncs, and then finds nothing more to do."""
        self.run('sync')
        quiet = json.loads(self.run('sync', '--json'))['pairings'][0]
        writes = {side: sum(quiet[side][did] for did in ('created', 'updated', 'deleted', 'failed')) for side in ('nvs', 'exchange')}
        self.equal(f'{what}: the second sync writes nothing', sorted(writes.items()), [('exchange', 0), ('nvs', 0)])

    # What exchangelib's user does.

    def enter(self, series):
        first, tz = series.first, EWSTimeZone(series.zone)
        day = EWSDate(first.year, first.month, first.day)
        if series.all_day:
            start = end = day
        else:
            start = EWSDateTime(first.year, first.month, first.day, series.time.hour, series.time.minute, tzinfo=tz)
            end = start + dt.timedelta(minutes=series.minutes)
        until = series.until and EWSDate(series.until.year, series.until.month, series.until.day)
        item = CalendarItem(
            account=self.account, folder=self.account.calendar, subject=series.name, location='Werk', start=start, end=end,
            is_all_day=series.all_day,
            recurrence=Recurrence(pattern=series.pattern.exchange, start=day, end=until, number=series.count))
        if series.all_day:
            item._start_timezone = item._end_timezone = tz
        item.save()
        dates = series.dates()
        if len(dates) < 6:
            return
        second, third, fourth = (item.occurrence(index=n) for n in (2, 3, 4))
        second.refresh()
        second.subject = f'{series.name} (geändert)'
        fields = ['subject']
        own = {'subject': second.subject}
        if not series.all_day:
            # exchangelib gives times in UTC.
            second.start, second.end = second.start + dt.timedelta(minutes=45), second.end + dt.timedelta(minutes=45)
            fields += ['start', 'end']
            own['minutes'] = 45
        second.save(update_fields=fields)
        series.changed[dates[1]] = own
        third.refresh()
        third.location = 'Lager'
        third.save(update_fields=['location'])
        series.changed[dates[2]] = {'place': 'Lager'}
        fourth.delete()
        series.deleted.add(dates[3])

    def exchange_to_nvs(self):
        self.series = list(of_every_kind())
        for series in self.series:
            self.step(f'entering "{series.name}"', lambda: self.enter(series))
        self.in_step('entered with exchangelib')
        found = self.nvs.all()
        self.equal('as many in NVS', sum(map(len, found.values())), len(self.series))
        for series in self.series:
            seen = sorted(tile for one in found.get(series.name, []) for tile in expanded(one))
            self.equal(f'"{series.name}" in NVS', seen, series.shown())

    # What NVS's user does.

    def change_in_nvs(self, series, appointment):
        """The place of the whole series, the subject of one occurrence, and one that does not take place."""
        patch = {'set': {'place': 'Büro'}}
        dates = series.dates()
        for own in series.changed.values():
            own.setdefault('place', 'Büro')
        for day in dates:
            series.changed.setdefault(day, {'place': 'Büro'})
        if len(dates) > 6:
            def key(day):
                return day.isoformat() if series.all_day else dt.datetime.combine(day, series.time).isoformat()
            patch['overrides'] = {key(dates[4]): {'cancelled': True}, key(dates[5]): {'set': {'subject': f'{series.name} NVS'}}}
            series.deleted.add(dates[4])
            series.changed[dates[5]] = {'place': 'Büro', 'subject': f'{series.name} NVS'}
        self.nvs.write(op='update', id=appointment['id'], expect=appointment['revision'], patch=patch)

    def create_in_nvs(self, series):
        moment = (lambda at: {'date': at.date().isoformat()}) if series.all_day else (
            lambda at: {'at': at.isoformat(), 'zone': series.zone})
        start = dt.datetime.combine(series.first, dt.time() if series.all_day else series.time)
        end = start + (dt.timedelta(days=1) if series.all_day else dt.timedelta(minutes=series.minutes))
        rule = series.pattern.rule
        if series.count:
            rule += f';COUNT={series.count}'
        if series.until and series.all_day:
            rule += f';UNTIL={series.until:%Y%m%d}'
        elif series.until:
            last = utc(dt.datetime.combine(series.until, series.time), series.zone)
            rule += ';UNTIL=' + last.replace('-', '').replace(':', '')
        self.nvs.write(op='create', appointment={
            'subject': series.name, 'place': 'Werk', 'start': moment(start), 'end': moment(end), 'rule': rule})

    def nvs_to_exchange(self):
        found = self.nvs.all()
        gone = self.series.pop()
        for series in self.series:
            if series.name in found:
                self.step(f'changing "{series.name}" in NVS', lambda: self.change_in_nvs(series, found[series.name][0]))
        document = found[gone.name][0]
        self.nvs.write(op='delete', id=document['id'], expect=document['revision'])
        for series in of_every_kind():
            # RFC 5545 leaves out the 29th to 31st in months without one, Exchange takes the last day: told elsewhere.
            if getattr(series.pattern, 'number', 1) > 28:
                continue
            series.name = f'NVS: {series.name}'
            self.step(f'creating "{series.name}"', lambda: self.create_in_nvs(series))
            self.series.append(series)
        self.in_step('changed in NVS')
        views = self.views()
        for series in self.series:
            names = {series.name, f'{series.name} (geändert)', f'{series.name} NVS'}
            self.equal(f'"{series.name}" with exchangelib', sorted(v for v in views if v[2] in names), series.shown())
        self.equal('deleted with exchangelib', [v for v in views if v[2] == gone.name], [])

    def views(self):
        """What exchangelib shows in the window, month by month."""
        tz, found, at = EWSTimeZone('UTC'), {}, WINDOW[0]
        while at < WINDOW[1]:
            after = (at + dt.timedelta(days=31)).replace(day=1)
            start, end = (EWSDateTime(d.year, d.month, d.day, 0, 0, tzinfo=tz) for d in (at, after))
            for item in self.account.calendar.view(start=start, end=end):
                if item.is_all_day:
                    span = (item.start.isoformat(), (item.end + dt.timedelta(days=1)).isoformat())
                else:
                    span = tuple(t.astimezone(tz).strftime('%Y-%m-%dT%H:%M:%SZ') for t in (item.start, item.end))
                found[(*span, item.subject, item.location or '')] = True
            at = after
        return list(found)

    def all(self):
        self.step('exchangelib to NVS', self.exchange_to_nvs)
        self.step('NVS to exchangelib', self.nvs_to_exchange)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('servers')
    p.add_argument('calsyncd')
    p.add_argument('releases', nargs='*')
    a = p.parse_args()
    passed = failed = 0
    for release in a.releases or RELEASES:
        servers = subprocess.Popen(
            [a.servers, '--empty', '--pairings', '1', '--server-version', release], stdout=subprocess.PIPE, text=True)
        try:
            with tempfile.TemporaryDirectory() as folder:
                run = Run(release, json.loads(servers.stdout.readline()), a.calsyncd, folder)
                run.all()
            print(f'{release}, both sides: {run.passed} passed, {run.failed} failed')
            passed, failed = passed + run.passed, failed + run.failed
        finally:
            servers.send_signal(signal.SIGINT)
            servers.wait(10)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
