#include "skald/error.h"

namespace skald {

namespace {

struct Named {
    Errc code;
    std::string_view name;
};

#define SKALD_NAMED(code) \
    Named {               \
        Errc::code, #code \
    }
constexpr Named kNames[] = {
    SKALD_NAMED(invalid_argument),
    SKALD_NAMED(invalid_stream_name),
    SKALD_NAMED(invalid_event),
    SKALD_NAMED(invalid_id),
    SKALD_NAMED(invalid_position),
    SKALD_NAMED(event_too_large),
    SKALD_NAMED(request_too_large),
    SKALD_NAMED(malformed),
    SKALD_NAMED(unsupported_version),
    SKALD_NAMED(cross_partition),
    SKALD_NAMED(sequence_gap),
    SKALD_NAMED(handler_failed),
    SKALD_NAMED(unauthenticated),
    SKALD_NAMED(forbidden),
    SKALD_NAMED(not_found),
    SKALD_NAMED(stream_not_found),
    SKALD_NAMED(stream_deleted),
    SKALD_NAMED(stream_tombstoned),
    SKALD_NAMED(wrong_expected_version),
    SKALD_NAMED(check_failed),
    SKALD_NAMED(partly_repeated),
    SKALD_NAMED(fenced),
    SKALD_NAMED(already_rejected),
    SKALD_NAMED(already_exists),
    SKALD_NAMED(already_open),
    SKALD_NAMED(log_truncated),
    SKALD_NAMED(wrong_lineage),
    SKALD_NAMED(connection_lost),
    SKALD_NAMED(address_in_use),
    SKALD_NAMED(unreachable),
    SKALD_NAMED(busy),
    SKALD_NAMED(shutting_down),
    SKALD_NAMED(not_ready),
    SKALD_NAMED(timed_out),
    SKALD_NAMED(outcome_unknown),
    SKALD_NAMED(io_error),
    SKALD_NAMED(disk_full),
    SKALD_NAMED(map_full),
    SKALD_NAMED(corrupt),
    SKALD_NAMED(unknown_format),
    SKALD_NAMED(read_only),
    SKALD_NAMED(store_failed),
};
#undef SKALD_NAMED

}  // namespace

std::string_view name_of(Errc code) {
    for (const Named& named : kNames) {
        if (named.code == code) {
            return named.name;
        }
    }
    return "unknown";
}

std::string_view name_of(ErrorClass error_class) {
    switch (error_class) {
        case ErrorClass::usage:
            return "usage";
        case ErrorClass::auth:
            return "auth";
        case ErrorClass::not_found:
            return "not_found";
        case ErrorClass::conflict:
            return "conflict";
        case ErrorClass::network:
            return "network";
        case ErrorClass::unavailable:
            return "unavailable";
        case ErrorClass::timeout:
            return "timeout";
        case ErrorClass::storage:
            return "storage";
    }
    return "unknown";
}

ErrorClass class_of(Errc code) {
    return static_cast<ErrorClass>(static_cast<std::uint16_t>(code) / 100);
}

int exit_status_of(Errc code) {
    switch (class_of(code)) {
        case ErrorClass::usage:
            return 2;
        case ErrorClass::not_found:
            return 3;
        case ErrorClass::conflict:
            return 4;
        case ErrorClass::network:
        case ErrorClass::unavailable:
            return 5;
        case ErrorClass::timeout:
            return 6;
        case ErrorClass::auth:
        case ErrorClass::storage:
            return 1;
    }
    return 1;
}

}  // namespace skald
