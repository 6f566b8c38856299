// When something that recurs is due.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "skald/ids.h"
#include "skald/result.h"

namespace skald {

// Made from text, in one of three forms:
//
//   every DURATION   as `every 10s`: the moments anchor, anchor + 10 s, anchor + 20 s and so on.
//                    What was missed is not made up for, and lateness does not add up.
//   five cron fields minute hour day-of-month month day-of-week, as crontab(5) has them, in UTC:
//                    `*`, lists, ranges, steps (`*/15`, `8-18/2`), jan to dec and mon to sun in any
//                    case, 0 and 7 for Sunday. If neither day field has a `*`, a day that either
//                    names is due; else both must name it.
//   @hourly @daily @weekly @monthly @yearly   at the first minute of one; weeks begin on Sunday.
//
// A value, without state. Thread: any.
class Schedule {
  public:
    // invalid_argument, saying where and what to write instead: a text in none of the forms or of
    // more than limits::kScheduleBytesMax, a duration outside limits::kScheduleEveryMin to
    // kScheduleEveryMax, and fields that no day will ever match, as 30 February.
    static Result<Schedule> parse(std::string_view text);

    // The first moment due strictly after `after`; a cron schedule's do not depend on the anchor.
    // nullopt: none is left, before the year 10000 for cron, in Time's range for `every`. What a
    // call costs does not grow with the time between.
    std::optional<Time> next(Time anchor, Time after) const;

    // Whether form and fields are the same, however they are written.
    bool operator==(const Schedule&) const = default;

  private:
    // Bit N stands for the value N.
    struct Fields {
        std::uint64_t minutes = 0;
        std::uint64_t hours = 0;
        std::uint64_t days = 0;
        std::uint64_t months = 0;
        std::uint64_t weekdays = 0;  // 0 is Sunday; there is no 7
        bool either_day = false;     // days or weekdays; else both
        bool operator==(const Fields&) const = default;
    };
    using Form = std::variant<std::chrono::microseconds, Fields>;

    explicit Schedule(const Form& form) : form_(form) {}
    static Result<Fields> parse_fields(std::string_view text);
    static std::uint64_t days_due(const Fields& fields, std::chrono::year_month month);
    static std::optional<std::chrono::sys_days> next_day(const Fields& fields,
                                                         std::chrono::sys_days from);
    static std::optional<std::chrono::minutes> due_in_day(const Fields& fields,
                                                          std::chrono::minutes from);
    static std::optional<Time> next_minute(const Fields& fields, Time after);

    Form form_;
};

}  // namespace skald
