/* Expands a recurrence rule with libical and says how long that took: the other half of `expand-vs-libical`.
 *
 *     libical RULE START FROM END [ZONE]     all but the rule and the zone as 20050103T090000
 *
 * Occurrences from FROM until before END, several times over; FROM is sought with libical's own
 * icalrecur_iterator_set_start. Prints `COUNT CHECKSUM NANOSECONDS`: occurrences, the exclusive or of their times in
 * seconds since 1970, and the best time of one expansion. Times are as the clock shows them; with a zone, in UTC.
 */
#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long long now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * 1000000000LL + at.tv_nsec;
}

/* Days since 1970 of a date (proleptic Gregorian), so that reading the result costs libical next to nothing. */
static long long days(int y, int m, int d)
{
    y -= m <= 2;
    long long era = y / 400, yoe = y - era * 400;
    long long doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static long long seconds(struct icaltimetype t)
{
    return days(t.year, t.month, t.day) * 86400 + t.hour * 3600 + t.minute * 60 + t.second;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: libical RULE START FROM END [ZONE]\n");
        return 2;
    }
    struct icalrecurrencetype rule = icalrecurrencetype_from_string(argv[1]);
    struct icaltimetype start = icaltime_from_string(argv[2]);
    struct icaltimetype from = icaltime_from_string(argv[3]);
    long long end = seconds(icaltime_from_string(argv[4]));
    icaltimezone *zone = NULL;
    if (argc > 5) {
        zone = icaltimezone_get_builtin_timezone(argv[5]);
        if (!zone) {
            fprintf(stderr, "libical does not know the zone\n");
            return 2;
        }
    }
    int seeks = icaltime_compare(start, from) != 0;
    long long best = -1, begin = now();
    long count = 0, runs = 0;
    long long sum = 0;
    /* At least three times, and for a tenth of a second. */
    while (runs < 3 || now() - begin < 100000000LL) {
        long long at = now();
        count = 0;
        sum = 0;
        icalrecur_iterator *iterator = icalrecur_iterator_new(rule, start);
        if (!iterator || (seeks && !icalrecur_iterator_set_start(iterator, from))) {
            fprintf(stderr, "libical refuses the rule or the window\n");
            return 2;
        }
        for (;;) {
            struct icaltimetype next = icalrecur_iterator_next(iterator);
            if (icaltime_is_null_time(next)) {
                break;
            }
            long long local = seconds(next);
            if (local >= end) {
                break;
            }
            sum ^= zone ? (long long)icaltime_as_timet_with_zone(next, zone) : local;
            count++;
        }
        icalrecur_iterator_free(iterator);
        at = now() - at;
        if (best < 0 || at < best) {
            best = at;
        }
        runs++;
    }
    printf("%ld %lld %lld\n", count, sum, best);
    return 0;
}
