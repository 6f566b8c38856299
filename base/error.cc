#include "skald/error.h"

namespace skald {

std::string_view name_of(Errc code) {
    switch (code) {
        case Errc::invalid_argument:
            return "invalid_argument";
        case Errc::invalid_stream_name:
            return "invalid_stream_name";
        case Errc::invalid_event:
            return "invalid_event";
        case Errc::invalid_id:
            return "invalid_id";
        case Errc::invalid_position:
            return "invalid_position";
        case Errc::event_too_large:
            return "event_too_large";
        case Errc::request_too_large:
            return "request_too_large";
        case Errc::malformed:
            return "malformed";
        case Errc::unsupported_version:
            return "unsupported_version";
        case Errc::cross_partition:
            return "cross_partition";
        case Errc::sequence_gap:
            return "sequence_gap";
        case Errc::handler_failed:
            return "handler_failed";
        case Errc::unauthenticated:
            return "unauthenticated";
        case Errc::forbidden:
            return "forbidden";
        case Errc::not_found:
            return "not_found";
        case Errc::stream_not_found:
            return "stream_not_found";
        case Errc::stream_deleted:
            return "stream_deleted";
        case Errc::stream_tombstoned:
            return "stream_tombstoned";
        case Errc::wrong_expected_version:
            return "wrong_expected_version";
        case Errc::check_failed:
            return "check_failed";
        case Errc::partly_repeated:
            return "partly_repeated";
        case Errc::fenced:
            return "fenced";
        case Errc::already_rejected:
            return "already_rejected";
        case Errc::already_exists:
            return "already_exists";
        case Errc::already_open:
            return "already_open";
        case Errc::log_truncated:
            return "log_truncated";
        case Errc::wrong_lineage:
            return "wrong_lineage";
        case Errc::connection_lost:
            return "connection_lost";
        case Errc::address_in_use:
            return "address_in_use";
        case Errc::unreachable:
            return "unreachable";
        case Errc::busy:
            return "busy";
        case Errc::shutting_down:
            return "shutting_down";
        case Errc::not_ready:
            return "not_ready";
        case Errc::timed_out:
            return "timed_out";
        case Errc::outcome_unknown:
            return "outcome_unknown";
        case Errc::io_error:
            return "io_error";
        case Errc::disk_full:
            return "disk_full";
        case Errc::map_full:
            return "map_full";
        case Errc::corrupt:
            return "corrupt";
        case Errc::unknown_format:
            return "unknown_format";
        case Errc::read_only:
            return "read_only";
        case Errc::store_failed:
            return "store_failed";
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
