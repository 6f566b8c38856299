#include "base/schedule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rapidcheck.h>

#include <array>
#include <catch2/catch.hpp>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "base/limits.h"

namespace skald {
namespace {

constexpr std::int64_t kMinute = 60'000'000;
constexpr std::int64_t kDay = 1440 * kMinute;
constexpr Time kAnchor{0};

Schedule parsed(std::string_view text) {
    const auto schedule = Schedule::parse(text);
    if (!schedule) {
        FAIL(schedule.error().message);
    }
    return *schedule;
}

// Seconds and zone left out.
Time at(std::string_view minute) {
    const auto time = parse_time(std::string(minute) + ":00Z");
    REQUIRE(time);
    return *time;
}

std::string next(std::string_view schedule, Time after) {
    const auto time = parsed(schedule).next(kAnchor, after);
    return time ? to_string(*time).substr(0, 16) : "none";
}

// What a field is made of, and which values it stands for, by their definition.
struct Written {
    std::string text;
    std::set<int> values;
};

std::string spelled(int value, const std::vector<std::string>& names) {
    const auto at = static_cast<std::size_t>(value);
    return at < names.size() && !names[at].empty() && *rc::gen::arbitrary<bool>()
               ? names[at]
               : std::to_string(value);
}

Written element(int low, int high, const std::vector<std::string>& names) {
    const bool all = *rc::gen::inRange(0, 3) == 0;
    const bool single = !all && *rc::gen::arbitrary<bool>();
    const int first = all ? low : *rc::gen::inRange(low, high + 1);
    const int last = all ? high : single ? first : *rc::gen::inRange(first, high + 1);
    const int step = single || *rc::gen::arbitrary<bool>() ? 1 : *rc::gen::inRange(1, 12);
    Written written;
    written.text = all      ? "*"
                   : single ? spelled(first, names)
                            : spelled(first, names) + '-' + spelled(last, names);
    written.text += step == 1 || single ? "" : fmt::format("/{}", std::min(step, high - low));
    for (int value = low; value <= high; ++value) {
        if (first <= value && value <= last && (value - first) % std::min(step, high - low) == 0) {
            written.values.insert(value);
        }
    }
    return written;
}

Written field(int low, int high, const std::vector<std::string>& names = {}) {
    Written written = element(low, high, names);
    for (int more = *rc::gen::inRange(0, 3); more > 0; --more) {
        const Written next = element(low, high, names);
        written.text += ',' + next.text;
        written.values.insert(next.values.begin(), next.values.end());
    }
    return written;
}

// A cron schedule by its definition: whether a minute is due, and no more.
struct Model {
    Written minute = field(0, 59);
    Written hour = field(0, 23);
    Written day = field(1, 31);
    Written month = field(
        1, 12,
        {"", "Jan", "feb", "MAR", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"});
    Written weekday = field(0, 7, {"SUN", "mon", "Tue", "wed", "thu", "fri", "sat"});

    std::string text() const {
        return fmt::format("{} {} {}\t{}  {}", minute.text, hour.text, day.text, month.text,
                           weekday.text);
    }

    bool day_due(Time time) const {
        const std::string date = to_string(time);
        const int of_week = static_cast<int>((time.us / kDay + 4) % 7);  // 1970 began on a Thursday
        const bool by_day = day.values.count(std::stoi(date.substr(8, 2))) != 0;
        const bool by_week =
            weekday.values.count(of_week) != 0 || (of_week == 0 && weekday.values.count(7) != 0);
        const bool both = (day.text + weekday.text).find('*') != std::string::npos;
        return month.values.count(std::stoi(date.substr(5, 2))) != 0 &&
               (both ? by_day && by_week : by_day || by_week);
    }

    bool due(Time time, bool day_is_due) const {
        return day_is_due && minute.values.count(static_cast<int>(time.us / kMinute % 60)) != 0 &&
               hour.values.count(static_cast<int>(time.us / (60 * kMinute) % 24)) != 0;
    }

    // Minute by minute.
    std::optional<Time> first_due(Time after, Time until) const {
        std::int64_t us = after.us - after.us % kMinute + kMinute;
        bool day_is_due = day_due(Time{us});
        for (; us < until.us; us += kMinute) {
            day_is_due = us % kDay == 0 ? day_due(Time{us}) : day_is_due;
            if (due(Time{us}, day_is_due)) {
                return Time{us};
            }
        }
        return std::nullopt;
    }
};

}  // namespace

TEST_CASE("schedule: cron, where the answers are known", "[base]") {
    struct Known {
        const char* schedule;
        const char* after;
        const char* next;
    };
    const Known known[] = {
        // minutes, hours, steps
        {"* * * * *", "2026-01-31T23:59", "2026-02-01T00:00"},
        {"*/15 * * * *", "2026-03-01T10:46", "2026-03-01T11:00"},
        {"7-59/20 * * * *", "2026-03-01T10:27", "2026-03-01T10:47"},
        {"7-59/20 * * * *", "2026-03-01T10:47", "2026-03-01T11:07"},
        {"*/60 */24 * * *", "2026-03-01T00:00", "2026-03-02T00:00"},
        {"0,30 8-18/5 * * *", "2026-03-01T08:30", "2026-03-01T13:00"},
        {"0,30 8-18/5 * * *", "2026-03-01T18:30", "2026-03-02T08:00"},
        {"5 4 * * *", "2026-03-01T04:05", "2026-03-02T04:05"},
        {"59 23 31 12 *", "2026-12-31T23:59", "2027-12-31T23:59"},
        // months and their ends
        {"0 0 31 * *", "2026-01-31T00:00", "2026-03-31T00:00"},
        {"0 0 30 * *", "2026-01-30T00:00", "2026-03-30T00:00"},
        {"0 0 31 4-7 *", "2026-01-30T00:00", "2026-05-31T00:00"},
        {"0 12 1 Jan,JUL *", "2026-01-01T12:00", "2026-07-01T12:00"},
        {"0 0 1 nov-dec *", "2026-12-01T00:00", "2027-11-01T00:00"},
        {"0 0 1 */5 *", "2026-01-01T00:00", "2026-06-01T00:00"},
        {"0 0 1 */5 *", "2026-11-01T00:00", "2027-01-01T00:00"},
        // leap years
        {"0 0 29 2 *", "2023-03-01T00:00", "2024-02-29T00:00"},
        {"0 0 29 2 *", "2096-02-29T00:00", "2104-02-29T00:00"},
        {"0 0 29 2 *", "1999-01-01T00:00", "2000-02-29T00:00"},
        {"0 0 29 2 *", "1896-02-29T00:00", "1904-02-29T00:00"},
        {"0 0 29 2 */7", "2088-02-29T00:00", "2128-02-29T00:00"},  // a Sunday
        {"0 0 * 2 *", "2024-02-28T00:00", "2024-02-29T00:00"},
        {"0 0 * 2 *", "2025-02-28T00:00", "2026-02-01T00:00"},
        // days of the week; 2026-01-01 is a Thursday
        {"0 0 * * 0", "2026-01-01T00:00", "2026-01-04T00:00"},
        {"0 0 * * 7", "2026-01-01T00:00", "2026-01-04T00:00"},
        {"0 0 * * sun", "2026-01-04T00:00", "2026-01-11T00:00"},
        {"0 0 * * 5-7", "2026-01-03T00:00", "2026-01-04T00:00"},
        {"0 9 * * Mon-Fri", "2026-01-02T09:00", "2026-01-05T09:00"},
        {"0 0 * * */2", "2026-01-01T00:00", "2026-01-03T00:00"},
        // either day when both are restricted, both days when one is not
        {"30 4 1,15 * 5", "2026-01-01T04:30", "2026-01-02T04:30"},
        {"30 4 1,15 * 5", "2026-01-09T04:30", "2026-01-15T04:30"},
        {"0 0 30 2 1", "2026-02-23T00:00", "2027-02-01T00:00"},
        {"0 0 */2 * 1", "2026-01-05T00:00", "2026-01-19T00:00"},
        {"0 0 1-7 * */7", "2026-01-04T00:00", "2026-02-01T00:00"},
        // in words
        {"@hourly", "2026-12-31T23:00", "2027-01-01T00:00"},
        {"@daily", "2026-02-28T00:00", "2026-03-01T00:00"},
        {"@weekly", "2026-01-01T00:00", "2026-01-04T00:00"},
        {"@monthly", "2026-12-01T00:00", "2027-01-01T00:00"},
        {"@yearly", "2026-01-01T00:00", "2027-01-01T00:00"},
        // the ends
        {"59 23 31 12 *", "9999-12-31T23:58", "9999-12-31T23:59"},
        {"59 23 31 12 *", "9999-12-31T23:59", "none"},
        {"0 0 29 2 *", "9996-02-29T00:00", "none"},
    };
    for (const auto& [schedule, after, expected] : known) {
        CAPTURE(schedule, after);
        CHECK(next(schedule, at(after)) == expected);
    }
}

TEST_CASE("schedule: a cron schedule is due strictly after, at any microsecond", "[base]") {
    const Time noon = at("2026-06-01T12:00");
    CHECK(next("* * * * *", Time{noon.us - 1}) == "2026-06-01T12:00");
    CHECK(next("* * * * *", noon) == "2026-06-01T12:01");
    CHECK(next("* * * * *", Time{noon.us + 1}) == "2026-06-01T12:01");
    CHECK(parsed("* * * * *").next(kAnchor, noon)->us % kMinute == 0);
    CHECK(next("* * * * *", Time{-1}) == "1970-01-01T00:00");
    CHECK(next("* * * * *", Time{-kMinute - 1}) == "1969-12-31T23:59");
    CHECK(next("* * * * *", Time{std::numeric_limits<std::int64_t>::min()}) == "0001-01-01T00:00");
    CHECK(next("* * * * *", Time{std::numeric_limits<std::int64_t>::max()}) == "none");
    // Years are 16 bits in std::chrono: this is 2000 beyond them.
    CHECK(next("* * * * *", Time{2'069'000'000'000'000'000}) == "none");
    const Time elsewhere{12'345};
    CHECK(parsed("@daily").next(elsewhere, noon) == parsed("@daily").next(kAnchor, noon));
}

TEST_CASE("schedule: every counts from its anchor, without drift", "[base]") {
    const Schedule schedule = parsed("every 10s");
    const Time anchor{3};
    const auto next = [&](std::int64_t after) { return schedule.next(anchor, Time{after}); };
    CHECK(next(3) == Time{10'000'003});
    CHECK(next(10'000'002) == Time{10'000'003});
    CHECK(next(10'000'003) == Time{20'000'003});
    // What was missed is one moment, and the next stands where it stood.
    CHECK(next(10'000'003 + 7'654'321) == Time{20'000'003});
    CHECK(next(1'000'000'000'000) == Time{1'000'000'000'003});
    CHECK(next(2) == anchor);
    CHECK(next(std::numeric_limits<std::int64_t>::min()) == anchor);
    CHECK_FALSE(next(std::numeric_limits<std::int64_t>::max()));
    CHECK(parsed("  every \t 500ms ").next(anchor, anchor) == Time{500'003});
    CHECK(parsed("every 366d").next(anchor, anchor) == Time{3 + 366 * kDay});
    CHECK(parsed("every 10ms").next(anchor, anchor) == Time{10'003});
}

TEST_CASE("schedule: every is the first multiple behind", "[model]") {
    CHECK(rc::check([] {
        const auto any = rc::gen::arbitrary<std::int64_t>();
        const Time anchor{*any};
        const Time after{*rc::gen::oneOf(
            any, rc::gen::map(any, [anchor](std::int64_t us) { return anchor.us / 2 + us / 4; }))};
        const auto ms = *rc::gen::inRange<std::int64_t>(10, 100'000'000);
        const auto next = parsed(fmt::format("every {}ms", ms)).next(anchor, after);
        __extension__ using Wide = __int128;
        const Wide passed = static_cast<Wide>(after.us) - anchor.us;
        const Wide count = passed < 0 ? Wide{0} : passed / (ms * 1000) + 1;
        const Wide expected = anchor.us + count * ms * 1000;
        RC_ASSERT(next.has_value() == (expected <= std::numeric_limits<std::int64_t>::max()));
        RC_ASSERT(!next || next->us == static_cast<std::int64_t>(expected));
    }));
}

TEST_CASE("schedule: cron is the first minute that matches", "[model]") {
    CHECK(rc::check([] {
        const Model model;
        const Time after{*rc::gen::inRange<std::int64_t>(0, 200 * 365 * kDay)};
        const auto schedule = Schedule::parse(model.text());
        RC_LOG() << model.text() << " after " << to_string(after) << '\n';
        if (!schedule) {
            const std::int64_t begin = 20 * 365 * kDay;
            for (std::int64_t day = 0; day < 60 * 366; ++day) {
                RC_ASSERT_FALSE(model.day_due(Time{begin + day * kDay}));
            }
            return;
        }
        const auto next = schedule->next(kAnchor, after);
        RC_ASSERT(next.has_value());
        RC_ASSERT(*next > after);
        RC_ASSERT(next->us % kMinute == 0);
        RC_ASSERT(model.due(*next, model.day_due(*next)));
        const Time until{std::min(next->us + 1, after.us + 40 * kDay)};
        RC_ASSERT(model.first_due(after, until) == (next->us < until.us ? next : std::nullopt));
    }));
}

TEST_CASE("schedule: what is no schedule is refused, saying what to write", "[base]") {
    const std::array<std::pair<const char*, const char*>, 30> refused = {{
        {"", "schedule \"\": has 0 fields: write minute hour day-of-month month day-of-week"},
        {"* * * *", "has 4 fields: write minute hour"},
        {"0 * * * * *", "has 6 fields: write minute hour"},
        {"@reboot", "or @hourly, @daily, @weekly, @monthly, @yearly"},
        {"Every 10s", "or every 10s"},
        {"every", "\"\" is no duration from 10ms to 366d: write every 500ms"},
        {"every 10", "\"10\" is no duration from 10ms to 366d: write every 500ms"},
        {"every 9ms", "\"9ms\" is no duration from 10ms"},
        {"every 367d", "\"367d\" is no duration from 10ms"},
        {"every 5 m", "\"5 m\" is no duration from 10ms"},
        {"60 * * * *", "\"60\" is no minute: write a number from 0 to 59, or *"},
        {"* 24 * * *", "\"24\" is no hour: write a number from 0 to 23, or *"},
        {"* * 0 * *", "\"0\" is no day-of-month: write a number from 1 to 31, or *"},
        {"* * * 13 *", "\"13\" is no month: write a number from 1 to 12, a name as feb, or *"},
        {"* * * * 8", "\"8\" is no day-of-week: write a number from 0 to 7, a name as mon, or *"},
        {"* * * * monday", "\"monday\" is no day-of-week"},
        {"* * * mon *", "\"mon\" is no month"},
        {"1,,2 * * * *", "\"\" is no minute"},
        {"1, * * * *", "\"\" is no minute"},
        {"-5 * * * *", "\"\" is no minute"},
        {"+5 * * * *", "\"+5\" is no minute"},
        {"** * * * *", "\"**\" is no minute"},
        {"4294967297 * * * *", "\"4294967297\" is no minute"},
        {"1-2-3 * * * *", "\"2-3\" is no minute"},
        {"* * * * sat-sun", "day-of-week \"sat-sun\" goes down: write 6-7,0-0"},
        {"5/15 * * * *", "minute \"5/15\" has a step without a range: write 5-59/15"},
        {"*/0 * * * *", "minute has a step of \"0\": write a number from 1 to 60"},
        {"* */25 * * *", "hour has a step of \"25\": write a number from 1 to 24"},
        {"0 0 30 2 *", "is never due: no month of \"2\" has a day of \"30\""},
        {"0 0 31 2,4,6,9,nov *", "is never due"},
    }};
    for (const auto& [text, message] : refused) {
        CAPTURE(text);
        const auto schedule = Schedule::parse(text);
        REQUIRE_FALSE(schedule);
        CHECK(schedule.error().code == Errc::invalid_argument);
        CHECK_THAT(schedule.error().message, Catch::Contains(message));
    }
}

TEST_CASE("schedule: the longest text", "[base]") {
    const std::string fields = "* * * * *";
    const std::string blanks(limits::kScheduleBytesMax - fields.size(), ' ');
    CHECK(Schedule::parse(fields + blanks));
    const auto beyond = Schedule::parse(fields + blanks + ' ');
    REQUIRE_FALSE(beyond);
    CHECK(beyond.error().message == "schedule has 513 bytes: write at most 512");
}

TEST_CASE("schedule: texts that mean the same are equal", "[base]") {
    CHECK(parsed("@weekly") == parsed("0 0 * * SUN"));
    CHECK(parsed("0-59/1 * * * *") == parsed(" *  * *\t* * "));
    CHECK(parsed("every 60s") == parsed("every 1m"));
    CHECK_FALSE(parsed("every 60s") == parsed("* * * * *"));
    CHECK_FALSE(parsed("0 0 1 * *") == parsed("0 0 1 * 1"));
}

}  // namespace skald
