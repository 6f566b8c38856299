#include "cqrs/model_messages.h"

#include <algorithm>
#include <utility>

#include "cqrs/limits.h"

namespace skald::cqrs {

Description<ValueOnWire> ValueOnWire::describe() {
    return record<ValueOnWire>("ValueOnWire")
        .field("text", &ValueOnWire::text)
        .field("kinds", &ValueOnWire::kinds)
        .field("bytes", &ValueOnWire::bytes);
}
Description<FieldOnWire> FieldOnWire::describe() {
    return record<FieldOnWire>("FieldOnWire")
        .required("name", &FieldOnWire::name)
        .required("value", &FieldOnWire::value);
}
Description<BoundOnWire> BoundOnWire::describe() {
    return record<BoundOnWire>("BoundOnWire")
        .required("value", &BoundOnWire::value)
        .field("inclusive", &BoundOnWire::inclusive);
}
Description<RowsOnWire> RowsOnWire::describe() {
    return record<RowsOnWire>("RowsOnWire")
        .required("rows", &RowsOnWire::rows)
        .field("next", &RowsOnWire::next)
        .field("position", &RowsOnWire::position)
        .field("version", &RowsOnWire::version);
}
Description<QueryRows> QueryRows::describe() {
    return record<QueryRows>("QueryRows")
        .field("key", &QueryRows::key)
        .field("where", &QueryRows::where)
        .field("order", &QueryRows::order)
        .field("from", &QueryRows::from)
        .field("to", &QueryRows::to)
        .field("descending", &QueryRows::descending)
        .field("limit", &QueryRows::limit)
        .field("after", &QueryRows::after)
        .field("version", &QueryRows::version)
        .field("at_least", &QueryRows::at_least)
        .field("wait_ms", &QueryRows::wait_ms);
}
Description<ShowModel> ShowModel::describe() {
    return record<ShowModel>("ShowModel");
}
Description<CreateModel> CreateModel::describe() {
    return record<CreateModel>("CreateModel")
        .required("file", &CreateModel::file)
        .required("text", &CreateModel::text);
}
Description<RebuildModel> RebuildModel::describe() {
    return record<RebuildModel>("RebuildModel");
}
Description<PromoteModel> PromoteModel::describe() {
    return record<PromoteModel>("PromoteModel")
        .field("version", &PromoteModel::version)
        .field("wait_ms", &PromoteModel::wait_ms);
}
Description<PauseModel> PauseModel::describe() {
    return record<PauseModel>("PauseModel");
}
Description<ResumeModel> ResumeModel::describe() {
    return record<ResumeModel>("ResumeModel");
}
Description<RemoveModel> RemoveModel::describe() {
    return record<RemoveModel>("RemoveModel").required("model", &RemoveModel::model);
}
Description<ParkedOnWire> ParkedOnWire::describe() {
    return record<ParkedOnWire>("ParkedOnWire").required("events", &ParkedOnWire::events);
}
Description<ListParked> ListParked::describe() {
    return record<ListParked>("ListParked").field("key", &ListParked::key);
}
Description<ReplayedOnWire> ReplayedOnWire::describe() {
    return record<ReplayedOnWire>("ReplayedOnWire")
        .required("events", &ReplayedOnWire::events)
        .field("error", &ReplayedOnWire::error)
        .field("message", &ReplayedOnWire::message);
}
Description<ReplayParked> ReplayParked::describe() {
    return record<ReplayParked>("ReplayParked").field("key", &ReplayParked::key);
}
Description<FoldStream> FoldStream::describe() {
    return record<FoldStream>("FoldStream")
        .required("stream", &FoldStream::stream)
        .field("at", &FoldStream::at)
        .field("until", &FoldStream::until);
}

namespace {

ValueOnWire on_wire(const RowQuery::Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) {
        return {*text, {}, {}};
    }
    const KeyValue& key = std::get<KeyValue>(value);
    return {std::nullopt, key.kinds, {key.bytes.begin(), key.bytes.end()}};
}

RowQuery::Value from_wire(const ValueOnWire& value) {
    if (value.text) {
        return *value.text;
    }
    return KeyValue{value.kinds, {value.bytes.begin(), value.bytes.end()}};
}

std::optional<BoundOnWire> on_wire(const std::optional<RowQuery::Bound>& bound) {
    return bound ? std::optional(BoundOnWire{on_wire(bound->value), bound->inclusive})
                 : std::nullopt;
}

std::optional<RowQuery::Bound> from_wire(const std::optional<BoundOnWire>& bound) {
    return bound ? std::optional(RowQuery::Bound{from_wire(bound->value), bound->inclusive})
                 : std::nullopt;
}

}  // namespace

QueryRows on_wire(const RowQuery& query) {
    QueryRows message;
    message.key = query.key;
    for (const RowQuery::Field& field : query.where) {
        message.where.push_back({field.name, on_wire(field.value)});
    }
    message.order = query.order;
    message.from = on_wire(query.from);
    message.to = on_wire(query.to);
    message.descending = query.descending;
    message.limit = query.limit;
    message.after = query.after;
    message.version = query.version;
    message.at_least = query.at_least ? to_token(*query.at_least) : std::string();
    message.wait_ms = static_cast<std::uint64_t>(query.wait.count());
    return message;
}

Result<RowQuery> from_wire(const QueryRows& message) {
    RowQuery query;
    query.key = message.key;
    for (const FieldOnWire& field : message.where) {
        query.where.push_back({field.name, from_wire(field.value)});
    }
    query.order = message.order;
    query.from = from_wire(message.from);
    query.to = from_wire(message.to);
    query.descending = message.descending;
    query.limit = message.limit;
    query.after = message.after;
    query.version = message.version;
    if (!message.at_least.empty()) {
        auto position = parse_position(message.at_least);
        if (!position) {
            return position.error();
        }
        query.at_least = std::move(*position);
    }
    query.wait = std::min(std::chrono::milliseconds(message.wait_ms), limits::kRemoteWaitMax);
    return query;
}

RowsOnWire on_wire(RowPage page) {
    return {std::move(page.rows), std::move(page.next),
            page.position ? to_token(*page.position) : std::string(), page.version};
}

Result<RowPage> from_wire(RowsOnWire page) {
    auto position = parse_position(page.position);
    if (!position) {
        return position.error();
    }
    return RowPage{std::move(page.rows), std::move(page.next),
                   std::make_shared<const Position>(std::move(*position)), page.version};
}

ReplayedOnWire on_wire(const Replayed& replayed) {
    return {replayed.events, replayed.error ? static_cast<std::uint32_t>(replayed.error->code) : 0,
            replayed.error ? replayed.error->message : std::string()};
}

Replayed from_wire(const ReplayedOnWire& replayed) {
    Replayed result{replayed.events, std::nullopt};
    if (replayed.error != 0) {
        result.error = Error(static_cast<Errc>(replayed.error), replayed.message);
    }
    return result;
}

}  // namespace skald::cqrs
