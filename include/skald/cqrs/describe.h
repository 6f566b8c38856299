// How a struct says what it is called in the log, in which version, and which fields it stores:
//
//     struct Deposited {
//         std::int64_t cents = 0;
//         std::string note;
//         static auto describe() {
//             return skald::cqrs::event<Deposited>("Deposited", 2)
//                 .required("cents", &Deposited::cents)
//                 .field("note", &Deposited::note)
//                 .upcast<1>([](const DepositedV1& old) { return Deposited{old.euros * 100, ""};
//                 });
//         }
//     };
//
// A struct that cannot be changed gets a specialisation of Describe<T>. The same description serves
// for nested structs, snapshots of a state, and rejections. Rules A1, A4.
//
// Reading: fields come in any order, of one that comes twice the last counts, unknown ones are
// ignored, a missing one keeps its default unless it is required. Limit: 64 fields a struct; more,
// or two of one name, abort the process when the description is first used, as other faults of a
// description do.
//
// Threads: a description is built once, at its first use, and never changes; any thread may read.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "skald/cqrs/codec.h"
#include "skald/cqrs/fields.h"
#include "skald/cqrs/upcast.h"

namespace skald::cqrs {

template <typename T>
struct Field {
    std::string name;
    bool required = false;
    std::function<void(ValueWriter&, const T&)> write;
    std::function<bool(ValueReader&, T&)> read;
    std::function<void(T&)> reset;  // to its default
    Shape (*shape)() = nullptr;
    std::function<const void*(const T&)> place;  // where it stands in an object
};

// `name:value`, as `course:7`: a tag that a described event carries.
inline std::string tag_of(std::string_view name, std::string_view value) {
    return std::string(name) + ":" + std::string(value);
}
template <std::integral I>
requires(!std::same_as<I, bool>) std::string tag_of(std::string_view name, I value) {
    return tag_of(name, std::string_view(std::to_string(value)));
}

template <typename T>
class Description {
  public:
    using Type = T;

    // Versions count from 1. An event stored without one (0) is read as version 1.
    Description(std::string name, std::uint32_t version)
        : name_(std::move(name)), version_(version) {
        check_version(name_, version);
    }

    template <typename M>
    Description&& field(std::string name, M T::*member) && {
        return std::move(*this).add(std::move(name), member, false);
    }
    // Its absence is an error.
    template <typename M>
    Description&& required(std::string name, M T::*member) && {
        return std::move(*this).add(std::move(name), member, true);
    }
    // The event carries the tag tag_of(name, value), by which queries find it (decisions.h). The
    // member is a text or an integer. Tags are no part of the data: with field() it is stored too.
    template <typename M>
    Description&& tag(std::string name, M T::*member) && {
        tags_.push_back([name = std::move(name), member](const T& value) {
            return tag_of(name, value.*member);
        });
        return std::move(*this);
    }
    // Events of this name are read as this type too: what it was called before.
    Description&& also_named(std::string name) && {
        also_named_.push_back(std::move(name));
        return std::move(*this);
    }
    // How data of version `From` becomes data of version From + 1, when it is read. `fn` takes the
    // old struct and returns the next (both described, in these versions, else the process aborts
    // at its first use), or takes the stored bytes as std::string_view and returns std::string or
    // Result<std::string>. A version without an upcast is read as the next one: what a new
    // optional field needs.
    template <std::uint32_t From, typename Fn>
    Description&& upcast(Fn fn) && {
        upcasts_.add(name_, From, version_, upcast_of<From>(std::move(fn)));
        return std::move(*this);
    }
    // Instead of JSON by fields.
    Description&& codec(Codec<T> codec) && {
        codec_ = std::move(codec);
        return std::move(*this);
    }

    const std::string& name() const { return name_; }
    const std::vector<std::string>& also_named() const { return also_named_; }
    std::uint32_t version() const { return version_; }
    std::string_view content_type() const {
        return codec_.encode ? std::string_view(codec_.content_type) : kContentTypeJson;
    }
    // Whether data of this version passes through an upcast.
    bool upcasts_from(std::uint32_t version) const { return upcasts_.any_from(version); }
    const std::vector<Field<T>>& fields() const { return fields_; }
    std::vector<std::string> tags(const T& value) const {
        std::vector<std::string> made;
        for (const auto& tag : tags_) {
            made.push_back(tag(value));
        }
        return made;
    }
    // The field that a member is stored as; null when it is none.
    template <typename M>
    const Field<T>* field_of(M T::*member) const {
        const T probe{};
        for (const Field<T>& field : fields_) {
            if (field.place(probe) == static_cast<const void*>(&(probe.*member))) {
                return &field;
            }
        }
        return nullptr;
    }
    bool described_by_fields() const { return !codec_.encode; }
    // As a field of another struct. With upcasts or a codec the process aborts: a field has no
    // version and no content type.
    const Description& nested() const {
        check_nested(name_, !upcasts_.any_from(1) && described_by_fields());
        return *this;
    }

    // invalid_event when a value cannot be written, naming the type.
    Result<std::string> encode(const T& value) const {
        auto data = codec_.encode ? codec_.encode(value) : to_json(value);
        return data ? std::move(data) : Result<std::string>(naming(name_, data.error()));
    }
    // Into a fresh object. malformed when the data is not what was described, naming field and
    // what was expected; unsupported_version when `version` is above the described one.
    Result<void> decode(std::uint32_t version, std::string_view data, T& value) const {
        std::string scratch;
        auto newest = upcasts_.apply(version, version_, data, scratch);
        if (!newest) {
            return newest.error();
        }
        return codec_.decode ? codec_.decode(*newest, value) : from_json(*newest, value);
    }

    void write(ValueWriter& writer, const T& value) const {
        writer.begin_record();
        for (const Field<T>& field : fields_) {
            writer.key(field.name);
            field.write(writer, value);
        }
        writer.end_record();
    }

    bool read(ValueReader& reader, T& value) const {
        if (!reader.begin_record()) {
            return false;
        }
        std::uint64_t seen = 0;
        std::size_t next = 0;  // fields mostly come in the order they are declared
        for (std::string_view key; reader.next_key(key);) {
            const std::size_t at = place_of(key, next);
            if (at == fields_.size()) {
                reader.skip();
                continue;
            }
            next = at + 1;
            const std::uint64_t bit = std::uint64_t{1} << at;
            if ((seen & bit) != 0) {
                fields_[at].reset(value);  // nothing of the first may stay
            }
            seen |= bit;
            if (!fields_[at].read(reader, value)) {
                reader.inside(fields_[at].name);
                return false;
            }
        }
        return !reader.failed() && has_required(reader, seen);
    }

    Shape shape() const {
        Shape text = name_ + "@" + std::to_string(version_) + "(";
        for (const Field<T>& field : fields_) {
            text += field.name + (field.required ? "!:" : ":") + field.shape() + ";";
        }
        return text + ")";
    }

  private:
    template <typename M>
    Description&& add(std::string name, M T::*member, bool required) && {
        static_assert(!std::is_function_v<M>, "a field is a data member");
        check_field(name_, name, fields_.size(), place_of(name, 0) < fields_.size());
        Field<T> field;
        field.name = std::move(name);
        field.required = required;
        field.write = [member](ValueWriter& writer, const T& value) {
            Values<M>::write(writer, value.*member);
        };
        field.read = [member](ValueReader& reader, T& value) {
            return Values<M>::read(reader, value.*member);
        };
        field.reset = [member](T& value) { value.*member = T{}.*member; };
        field.shape = [] { return Values<M>::shape(); };
        field.place = [member](const T& value) -> const void* { return &(value.*member); };
        fields_.push_back(std::move(field));
        return std::move(*this);
    }

    Result<std::string> to_json(const T& value) const {
        JsonWriter writer;
        write(writer, value);
        return std::move(writer).take();
    }
    Result<void> from_json(std::string_view text, T& value) const {
        JsonReader reader(text);
        read(reader, value);
        return reader.finish();
    }

    std::size_t place_of(std::string_view name, std::size_t from) const {
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            const std::size_t at = (from + i) % fields_.size();
            if (fields_[at].name == name) {
                return at;
            }
        }
        return fields_.size();
    }
    bool has_required(ValueReader& reader, std::uint64_t seen) const {
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            if (fields_[i].required && (seen >> i & 1) == 0) {
                reader.missing(fields_[i].name);
                return false;
            }
        }
        return true;
    }

    std::string name_;
    std::uint32_t version_;
    std::vector<std::string> also_named_;
    std::vector<Field<T>> fields_;
    std::vector<std::function<std::string(const T&)>> tags_;
    Upcasts upcasts_;
    Codec<T> codec_;
};

template <typename T>
Description<T> event(std::string name, std::uint32_t version) {
    return Description<T>(std::move(name), version);
}
// The same for what is no event: a nested struct, a state, a rejection.
template <typename T>
Description<T> record(std::string name, std::uint32_t version = 1) {
    return Description<T>(std::move(name), version);
}

template <typename T>
struct Describe {
    static Description<T> describe() requires requires { T::describe(); }
    { return T::describe(); }
};

template <typename T>
concept Described = requires {
    { Describe<T>::describe() } -> std::same_as<Description<T>>;
};

template <Described T>
const Description<T>& description_of() {
    static const Description<T> description = Describe<T>::describe();
    return description;
}

template <Described T>
struct Values<T> {
    static void write(ValueWriter& writer, const T& value) { nested().write(writer, value); }
    static bool read(ValueReader& reader, T& value) { return nested().read(reader, value); }
    static Shape shape() {
        thread_local bool inside = false;  // a struct may hold others of its kind
        if (inside) {
            return description_of<T>().name();
        }
        inside = true;
        Shape shape = description_of<T>().shape();
        inside = false;
        return shape;
    }

  private:
    static const Description<T>& nested() {
        static const Description<T>& description = description_of<T>().nested();
        return description;
    }
};

}  // namespace skald::cqrs
