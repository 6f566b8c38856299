#include "cqrs/live_messages.h"

#include <algorithm>
#include <string_view>

namespace skald::cqrs {

template <>
struct EnumNames<LiveOp> {
    static constexpr EnumName<LiveOp> kNames[] = {{LiveOp::put, "put"},
                                                  {LiveOp::removed, "removed"}};
};
template <>
struct EnumNames<LiveKind> {
    static constexpr EnumName<LiveKind> kNames[] = {{LiveKind::snapshot, "snapshot"},
                                                    {LiveKind::deltas, "deltas"},
                                                    {LiveKind::resync, "resync"},
                                                    {LiveKind::ended, "ended"}};
};

namespace {

constexpr std::string_view kChange = R"({"op":"removed","key":"","row":""},)";

// Rows and keys are JSON, in which everything else that needs escapes is escaped already.
std::size_t quoted(std::string_view json) {
    return json.size() +
           static_cast<std::size_t>(std::count_if(json.begin(), json.end(),
                                                  [](char c) { return c == '"' || c == '\\'; }));
}

}  // namespace

Description<LiveOpened> LiveOpened::describe() {
    return record<LiveOpened>("LiveOpened").required("service", &LiveOpened::service);
}
Description<OpenLive> OpenLive::describe() {
    return record<OpenLive>("OpenLive")
        .field("query", &OpenLive::query)
        .field("buffered", &OpenLive::buffered);
}
Description<LiveChange> LiveChange::describe() {
    return record<LiveChange>("LiveChange")
        .required("op", &LiveChange::op)
        .required("key", &LiveChange::key)
        .required("row", &LiveChange::row);
}
Description<LivePart> LivePart::describe() {
    return record<LivePart>("LivePart")
        .required("kind", &LivePart::kind)
        .field("rows", &LivePart::rows)
        .field("more", &LivePart::more)
        .field("position", &LivePart::position)
        .field("version", &LivePart::version)
        .field("why", &LivePart::why)
        .field("error", &LivePart::error)
        .field("message", &LivePart::message);
}
Description<LiveAnswer> LiveAnswer::describe() {
    return record<LiveAnswer>("LiveAnswer")
        .required("number", &LiveAnswer::number)
        .required("parts", &LiveAnswer::parts);
}
Description<PollLive> PollLive::describe() {
    return record<PollLive>("PollLive")
        .required("received", &PollLive::received)
        .field("wait_ms", &PollLive::wait_ms);
}
Description<CloseLive> CloseLive::describe() {
    return record<CloseLive>("CloseLive");
}

std::size_t bytes_of(const LiveChange& change) {
    return kChange.size() + quoted(change.key) + quoted(change.row);
}

LivePart ended(const Error& reason) {
    LivePart part;
    part.kind = LiveKind::ended;
    part.error = static_cast<std::uint32_t>(reason.code);
    part.message = reason.message;
    return part;
}

Result<Resync> resync_of(const LivePart& part) {
    for (const Resync why : {Resync::fell_behind, Resync::other_version, Resync::rebuilding,
                             Resync::connection_lost}) {
        if (part.why == name_of(why)) {
            return why;
        }
    }
    return Error(Errc::malformed, "no reason of a resync: " + part.why);
}

}  // namespace skald::cqrs
