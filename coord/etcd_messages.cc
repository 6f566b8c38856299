#include "coord/etcd_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/base64.h"
#include "coord/limits.h"
#include "coord/record.h"

namespace skald::coord {
namespace {

// Numbers are signed there. No entry has one so high, so compares with it hold as they should.
constexpr std::uint64_t kNumberMax = std::numeric_limits<std::int64_t>::max();

std::string base64(std::string_view bytes) {
    std::string text;
    append_base64(text, bytes);
    return text;
}

std::string number(std::uint64_t value) {
    return std::to_string(std::min(value, kNumberMax));
}

std::string all_behind(const std::string& prefix) {
    std::string end = KeyRange::prefix(prefix).end.value_or("");
    return end.empty() ? std::string(1, '\0') : end;
}

// etcd names nothing by an empty key; a range_end of one zero byte is no key but "to the last one";
// and one that ends before it begins is refused by watches. So a range that no key can be in is a
// key that is longer than any.
bool holds_nothing(const KeyRange& keys) {
    return keys.end
               ? !keys.end->empty() && (*keys.end <= keys.key || *keys.end == std::string(1, '\0'))
               : keys.key.empty();
}

Record keys_of(const KeyRange& keys, const std::string& prefix) {
    if (holds_nothing(keys)) {
        return {{"key", base64(prefix + std::string(kKeyBytesMax + 1, '\0'))}};
    }
    // The least key there may be: the prefix by itself is somebody else's, and none is no key.
    const std::string least(1, '\0');
    Record record = {{"key", base64(prefix + (keys.key.empty() ? least : keys.key))}};
    if (keys.end) {
        record["range_end"] = base64(keys.end->empty() ? all_behind(prefix) : prefix + *keys.end);
    }
    return record;
}

Record compare_of(const Compare& compare, const std::string& prefix) {
    Record record = {{"key", base64(prefix + compare.key)}};
    switch (compare.is) {
        case Compare::Is::equal:
            record["result"] = "EQUAL";
            break;
        case Compare::Is::not_equal:
            record["result"] = "NOT_EQUAL";
            break;
        case Compare::Is::less:
            record["result"] = "LESS";
            break;
        case Compare::Is::greater:
            record["result"] = "GREATER";
            break;
    }
    const auto ask = [&](const char* target, const char* field) {
        record["target"] = target;
        record[field] = number(compare.number);
    };
    switch (compare.field) {
        case Compare::Field::created:
            ask("CREATE", "create_revision");
            break;
        case Compare::Field::modified:
            ask("MOD", "mod_revision");
            break;
        case Compare::Field::version:
            ask("VERSION", "version");
            break;
        case Compare::Field::lease:
            ask("LEASE", "lease");
            break;
        case Compare::Field::value:
            record["target"] = "VALUE";
            record["value"] = base64(compare.value);
            break;
    }
    return record;
}

Record branch_of(const std::vector<Operation>& branch, const std::string& prefix) {
    Record record = Record::array();
    for (const Operation& operation : branch) {
        if (const auto* put = std::get_if<Put>(&operation)) {
            Record request = {{"key", base64(prefix + put->key)}, {"value", base64(put->value)}};
            if (put->lease != LeaseId{}) {
                request["lease"] = number(put->lease.value);
            }
            record.push_back({{"request_put", std::move(request)}});
        } else if (const auto* erase = std::get_if<Erase>(&operation)) {
            record.push_back({{"request_delete_range", keys_of(erase->keys, prefix)}});
        } else {
            record.push_back({{"request_range", keys_of(std::get<Get>(operation).keys, prefix)}});
        }
    }
    return record;
}

// Fields of one object. Those that are not there are zero; of what is there and is not as it should
// be, nothing is believed.
class Fields {
  public:
    Fields(const Record& record, bool& sound) : record_(record), sound_(sound) {
        sound_ = sound_ && record_.is_object();
    }
    std::uint64_t number(const char* name) const {
        const Record* field = find(name);
        if (field == nullptr) {
            return 0;
        }
        std::uint64_t value = 0;
        const std::string text = field->is_string()            ? field->get<std::string>()
                                 : field->is_number_unsigned() ? field->dump()
                                                               : "";
        const char* end = text.data() + text.size();
        const auto [at, wrong] = std::from_chars(text.data(), end, value);
        sound_ = sound_ && wrong == std::errc{} && at == end && value <= kNumberMax;
        return value;
    }
    std::string bytes(const char* name) const {
        const Record* field = find(name);
        if (field == nullptr) {
            return {};
        }
        auto bytes =
            field->is_string() ? parse_base64(field->get_ref<const std::string&>()) : std::nullopt;
        sound_ = sound_ && bytes;
        return bytes ? std::move(*bytes) : std::string();
    }
    bool truth(const char* name) const {
        const Record* field = find(name);
        sound_ = sound_ && (field == nullptr || field->is_boolean());
        return field != nullptr && field->is_boolean() && field->get<bool>();
    }
    std::string text(const char* name) const { return text_in(record_, name); }
    const Record& object(const char* name) const { return part(name, Record::value_t::object); }
    const Record& array(const char* name) const { return part(name, Record::value_t::array); }

  private:
    const Record* find(const char* name) const {
        const auto it = record_.find(name);
        return it == record_.end() ? nullptr : &*it;
    }
    const Record& part(const char* name, Record::value_t type) const {
        static const Record no_object = Record::object();
        static const Record no_array = Record::array();
        const Record* field = find(name);
        sound_ = sound_ && (field == nullptr || field->type() == type);
        return field != nullptr && field->type() == type ? *field
               : type == Record::value_t::object         ? no_object
                                                         : no_array;
    }
    const Record& record_;
    bool& sound_;
};

Revision revision_in(const Record& reply, bool& sound) {
    const Fields fields(reply, sound);
    return Revision{Fields(fields.object("header"), sound).number("revision")};
}

Entry entry_in(const Record& record, const std::string& prefix, bool& sound) {
    const Fields fields(record, sound);
    Entry entry;
    const std::string key = fields.bytes("key");
    sound = sound && key.size() > prefix.size() && key.starts_with(prefix);
    entry.key = key.substr(std::min(key.size(), prefix.size()));
    entry.value = fields.bytes("value");
    entry.created = Revision{fields.number("create_revision")};
    entry.modified = Revision{fields.number("mod_revision")};
    entry.version = fields.number("version");
    entry.lease = LeaseId{fields.number("lease")};
    return entry;
}

std::vector<Entry> entries_in(const Record& record, const std::string& prefix, bool& sound) {
    std::vector<Entry> entries;
    for (const Record& each : Fields(record, sound).array("kvs")) {
        entries.push_back(entry_in(each, prefix, sound));
    }
    return entries;
}

// By reference: what the value is made of may yet prove unsound.
template <typename T>
Result<T> when(const bool& sound, T value) {
    return sound ? Result<T>(std::move(value)) : Error(Errc::malformed, "this is no reply of etcd");
}

// What a stream answers with stands in an object of its own.
const Record& result_in(const Record& reply, bool& sound) {
    return Fields(reply, sound).object("result");
}

Change change_in(const Record& event, const std::string& prefix, bool& sound) {
    const Fields fields(event, sound);
    const std::string type = fields.text("type");
    sound = sound && (type.empty() || type == "PUT" || type == "DELETE");
    Change change{entry_in(fields.object("kv"), prefix, sound), type == "DELETE"};
    if (change.erased) {
        Entry gone;
        gone.key = std::move(change.entry.key);
        gone.modified = change.entry.modified;
        change.entry = std::move(gone);
    }
    return change;
}

}  // namespace

// ---- bodies

std::string EtcdMessages::range(const KeyRange& keys, Reading reading) const {
    Record body = keys_of(keys, prefix_);
    if (reading == Reading::stale) {
        body["serializable"] = true;
    }
    return body.dump();
}

std::string EtcdMessages::txn(const Txn& txn) const {
    Record compares = Record::array();
    for (const Compare& compare : txn.compares) {
        compares.push_back(compare_of(compare, prefix_));
    }
    return Record{{"compare", std::move(compares)},
                  {"success", branch_of(txn.then, prefix_)},
                  {"failure", branch_of(txn.otherwise, prefix_)}}
        .dump();
}

// From 0 would be from now on.
std::string EtcdMessages::watch(const KeyRange& keys, Revision from) const {
    Record create = keys_of(keys, prefix_);
    create["start_revision"] = number(std::max(from, Revision{1}).value);
    create["fragment"] = true;
    create["progress_notify"] = true;
    return Record{{"create_request", std::move(create)}}.dump();
}

std::string EtcdMessages::grant(std::chrono::milliseconds ttl) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(ttl).count();
    return Record{{"TTL", std::to_string(seconds)}}.dump();
}

std::string EtcdMessages::lease(LeaseId lease) {
    return Record{{"ID", number(lease.value)}}.dump();
}

std::string EtcdMessages::authenticate(const std::string& user, const std::string& password) {
    return text_of({{"name", user}, {"password", password}});
}

// ---- replies

Result<Listing> EtcdMessages::listing(std::string_view reply) const {
    const Record record = record_of(reply);
    bool sound = record.contains("header");
    return when(sound, Listing{entries_in(record, prefix_, sound), revision_in(record, sound)});
}

Result<TxnResult> EtcdMessages::txn_result(std::string_view reply) const {
    const Record record = record_of(reply);
    bool sound = record.contains("header");
    const Fields fields(record, sound);
    TxnResult result;
    result.succeeded = fields.truth("succeeded");
    result.revision = revision_in(record, sound);
    for (const Record& each : fields.array("responses")) {
        if (each.is_object() && each.contains("response_range")) {
            result.found.push_back(
                entries_in(Fields(each, sound).object("response_range"), prefix_, sound));
        }
    }
    return when(sound, std::move(result));
}

Result<LeaseId> EtcdMessages::granted(std::string_view reply) {
    bool sound = true;
    const LeaseId lease{Fields(record_of(reply), sound).number("ID")};
    return when(sound && lease != LeaseId{}, lease);
}

Result<bool> EtcdMessages::kept_alive(std::string_view reply) {
    const Record record = record_of(reply);
    bool sound = record.contains("result");
    const bool lives = Fields(result_in(record, sound), sound).number("TTL") != 0;
    return when(sound, lives);
}

Result<std::string> EtcdMessages::token(std::string_view reply) {
    std::string token = text_in(record_of(reply), "token");
    const bool sound = !token.empty() && std::all_of(token.begin(), token.end(), [](char c) {
        return c > ' ' && c < '\x7f';  // it becomes a header
    });
    return when(sound, std::move(token));
}

Result<EtcdMessages::News> EtcdMessages::news(std::string_view line) const {
    News news;
    news.refusal = etcd_refusal(line);
    if (news.refusal) {
        return news;
    }
    const Record record = record_of(line);
    bool sound = record.contains("result");
    const Fields result(result_in(record, sound), sound);
    news.canceled = result.truth("canceled");
    news.compacted = result.number("compact_revision") != 0;
    news.fragment = result.truth("fragment");
    if (news.canceled && !news.compacted) {
        news.refusal = EtcdRefusal{0, result.text("cancel_reason")};
    }
    if (!result.truth("created") && !news.canceled && !news.fragment &&
        result.array("events").empty()) {
        news.all = revision_in(result_in(record, sound), sound);
    }
    for (const Record& event : result.array("events")) {
        Change change = change_in(event, prefix_, sound);
        const Revision revision = change.entry.modified;
        if (news.revised.empty() || news.revised.back().revision != revision) {
            sound = sound && (news.revised.empty() || news.revised.back().revision < revision);
            news.revised.push_back({revision, {}});
        }
        news.revised.back().changes.push_back(std::move(change));
    }
    return when(sound, std::move(news));
}

}  // namespace skald::coord
