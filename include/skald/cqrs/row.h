// Rows of a read model: what they are called, their key and their indexes.
//
//     struct Order {
//         std::string id;
//         std::string customer;
//         std::uint64_t number = 0;
//         static auto describe() { return record<Order>("Order").field("id", &Order::id)...; }
//     };
//     const auto orders = rows<Order>()
//                             .key(&Order::id)
//                             .index(&Order::customer)
//                             .unique(&Order::number);
//
// A row is stored as JSON by its description (describe.h). A key or an index may be of several
// fields: `.index(&Order::department, &Order::channel)` is called `department,channel`, and serves
// queries for a department too. A unique index refuses a second row of the same values, except
// those that hold nothing (std::optional).
//
// Limits, else invalid_event for the row: 260 bytes of key and 251 of each index's values, as
// key.h makes them (text has three more than its characters); 4 MiB a row. 16 indexes, 8 fields
// each: beyond, and for a member that is no field, the process aborts when the rows are declared.
//
// Threads: a declaration never changes; any thread may read it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "skald/cqrs/describe.h"
#include "skald/cqrs/key.h"
#include "skald/result.h"

namespace skald::cqrs {

struct Column {
    std::string field;
    KeyKind kind = KeyKind::text;
    bool operator==(const Column&) const = default;
};
struct IndexSchema {
    std::vector<Column> columns;
    bool unique = false;
    std::string name() const;   // the fields with commas
    std::string kinds() const;  // of the columns, as in KeyValue
    bool operator==(const IndexSchema&) const = default;
};
// Without the types of C++: what is stored with a read model.
struct RowSchema {
    Shape shape;  // differs when the rows' JSON differs
    std::vector<std::string> fields;
    IndexSchema key;  // unique
    std::vector<IndexSchema> indexes;
    bool operator==(const RowSchema&) const = default;
};

// A row on its way into a read model. One object serves for many.
struct RowImage {
    std::string key;
    std::string json;
    std::vector<std::string> values;  // of each index
    std::vector<bool> counts;         // of each unique index: whether it refuses a second
};

// What a projection changes while it handles one event. When the handling fails all of it is
// undone. Every error is to be handed on: it is the event's failure.
class RowChanges {
  public:
    virtual ~RowChanges() = default;
    // The JSON, with all changes so far; valid until the next call.
    virtual Result<std::optional<std::string_view>> get(std::string_view key) = 0;
    // Replaces the row of that key. already_exists when a unique index refuses.
    virtual Result<void> put(const RowImage& row) = 0;
    // False when there was none.
    virtual Result<bool> erase(std::string_view key) = 0;
    // Called once the rows are committed, by the version that is active (read_model.h), unless it
    // or an earlier one has passed the event before. Lost when the process ends in between.
    virtual void effect(std::function<void()> act) = 0;
};

// Leaves a handler when rows cannot be read or changed; whoever called the handler takes it as its
// error. Nothing else of it is meant for handlers.
class RowRefused final : public std::runtime_error {
  public:
    explicit RowRefused(Error error) : runtime_error(error.message), error_(std::move(error)) {}
    const Error& error() const { return error_; }

  private:
    Error error_;
};

// Faults of a declaration: the process aborts and says which.
void check_member(bool is_field, std::string_view row);
void check_schema(std::string_view row, const RowSchema& schema);

template <Described T>
class RowsOf {
  public:
    template <KeyType... Ms>
    RowsOf&& key(Ms T::*... members) && {
        schema_.key = index_of(true, members...);
        key_ = appender(members...);
        key_kinds_ = schema_.key.kinds();
        return std::move(*this);
    }
    template <KeyType... Ms>
    RowsOf&& index(Ms T::*... members) && {
        return std::move(*this).add(false, members...);
    }
    template <KeyType... Ms>
    RowsOf&& unique(Ms T::*... members) && {
        return std::move(*this).add(true, members...);
    }

    const RowSchema& schema() const { return schema_; }
    const std::string& key_kinds() const { return key_kinds_; }
    // invalid_event when the row cannot be written.
    Result<void> image(const T& row, RowImage& into) const {
        into.key.clear();
        key_(row, into.key);
        into.values.resize(values_.size());
        into.counts.resize(values_.size());
        for (std::size_t i = 0; i < values_.size(); ++i) {
            into.values[i].clear();
            into.counts[i] = values_[i](row, into.values[i]);
        }
        auto json = description_of<T>().encode(row);
        if (!json) {
            return json.error();
        }
        into.json = std::move(*json);
        return {};
    }
    static Result<T> row(std::string_view json) {
        T row{};
        const auto& description = description_of<T>();
        if (auto ok = description.decode(description.version(), json, row); !ok) {
            return naming(description.name(), ok.error());
        }
        return row;
    }
    template <typename M>
    static const std::string& name_of(M T::*member) {
        const Field<T>* field = description_of<T>().field_of(member);
        check_member(field != nullptr, description_of<T>().name());
        return field->name;
    }

  private:
    template <Described U>
    friend RowsOf<U> rows();
    RowsOf() {
        schema_.shape = Values<T>::shape();
        for (const Field<T>& field : description_of<T>().fields()) {
            schema_.fields.push_back(field.name);
        }
    }

    // False when one of the values holds nothing.
    using Append = std::function<bool(const T&, std::string&)>;

    template <typename M>
    static bool holds(const M&) {
        return true;
    }
    template <typename M>
    static bool holds(const std::optional<M>& value) {
        return value.has_value();
    }
    template <typename... Ms>
    static Append appender(Ms T::*... members) {
        return [members...](const T& row, std::string& out) {
            (KeyOf<Ms>::append(out, row.*members), ...);
            return (holds(row.*members) && ...);
        };
    }
    template <typename... Ms>
    static IndexSchema index_of(bool unique, Ms T::*... members) {
        return {{Column{name_of(members), KeyOf<Ms>::kKind}...}, unique};
    }
    template <typename... Ms>
    RowsOf&& add(bool unique, Ms T::*... members) && {
        schema_.indexes.push_back(index_of(unique, members...));
        values_.push_back(appender(members...));
        return std::move(*this);
    }

    RowSchema schema_;
    Append key_;
    std::string key_kinds_;
    std::vector<Append> values_;
};

template <Described T>
RowsOf<T> rows() {
    return {};
}

}  // namespace skald::cqrs
