// The tables of banned words and headers.
#include <algorithm>
#include <cctype>

#include "tests/tidy/includes.h"
#include "tests/tidy/rules.h"

namespace skald::tidy {
namespace {

bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Where `word` stands on its own in `line`: never as the tail of a longer word, nor, for a whole
// word, as its head.
bool holds(const std::string& line, const std::string& word, Ban::Match match) {
    for (std::size_t at = line.find(word); at != std::string::npos; at = line.find(word, at + 1)) {
        const std::size_t end = at + word.size();
        const bool tail = at > 0 && is_word(word.front()) && is_word(line[at - 1]);
        const bool head = match == Ban::Match::word && end < line.size() && is_word(word.back()) &&
                          is_word(line[end]);
        if (!tail && !head) {
            return true;
        }
    }
    return false;
}

bool starts_or_ends(const IncludeBan& ban, const std::string& target) {
    return std::any_of(ban.starts.begin(), ban.starts.end(),
                       [&](const std::string& start) { return target.starts_with(start); }) ||
           std::any_of(ban.ends.begin(), ban.ends.end(),
                       [&](const std::string& end) { return target.ends_with(end); });
}

template <typename AnyBan>
bool applies(const AnyBan& ban, const SourceFile& file) {
    return (ban.only_under.empty() || file.under(ban.only_under)) && !file.under(ban.allowed_under);
}

}  // namespace

const std::vector<Ban>& bans() {
    using enum Ban::Where;
    using enum Ban::Match;
    static const std::vector<Ban> table{
        {"raw lmdb",
         {"mdb_", "MDB_"},
         prefix,
         code,
         {},
         {"store/lmdb/", "bench/"},
         "LMDB is spoken in store/lmdb/ alone"},
        {"clock",
         {"::now("},
         prefix,
         code,
         {},
         {"base/", "bench/"},
         "take a clock; only base/ reads one"},
        {"sleep in a test",
         {"sleep_for", "sleep_until", "usleep", "nanosleep", "sleep("},
         prefix,
         code,
         {"tests/"},
         {},
         "drive the clock or wait for a message"},
        {"detach",
         {".detach()", "->detach()"},
         prefix,
         code,
         {},
         {},
         "a thread is joined by its owner"},
        {"left open",
         {"TO"
          "DO",
          "FIX"
          "ME",
          "X"
          "XX"},
         word,
         anywhere,
         {},
         {},
         "finish it, or write it down where it will be found"},
    };
    return table;
}

Findings check_ban(const Ban& ban, const Tree& tree) {
    Findings found;
    for (const SourceFile& file : tree) {
        const bool in_code = ban.where == Ban::Where::code;
        if (!applies(ban, file) || (in_code && file.is_prose())) {
            continue;
        }
        const std::vector<std::string>& lines = in_code ? file.code : file.lines;
        for (std::size_t i = 0; i < lines.size(); ++i) {
            for (const std::string& word : ban.words) {
                if (holds(lines[i], word, ban.match)) {
                    found.push_back({file.path, i + 1, word + ": " + ban.why});
                }
            }
        }
    }
    return found;
}

const std::vector<IncludeBan>& include_bans() {
    static const std::vector<IncludeBan> table{
        {"zmq outside its adaptors",
         {"zmq", "czmq"},
         {},
         {},
         {"broker/transport/", "client/transport/", "wire/zmq/", "bench/", "tests/broker/",
          "tests/client/", "tests/hostile/"},
         "sockets live in the transport adaptors"},
        {"lmdb outside its adaptor",
         {"lmdb.h"},
         {},
         {},
         {"store/lmdb/", "bench/"},
         "LMDB is spoken in store/lmdb/ alone"},
        {"curl outside its place",
         {"curl/"},
         {},
         {},
         {"coord/http_client.cc"},
         "HTTP is asked in coord/http_client.cc alone"},
        {"generated code outside wire",
         {},
         {"_generated.h"},
         {},
         {"wire/", "bench/", "tests/cqrs/"},
         "only wire/ sees generated code; applications have their own"},
        {"public header",
         {"zmq", "lmdb", "boost/", "flatbuffers/", "fmt/", "nlohmann/", "toml", "curl/"},
         {"_generated.h"},
         {"include/skald/"},
         {},
         "a public header includes nothing but the standard library and <skald/...>"},
    };
    return table;
}

Findings check_include_ban(const IncludeBan& ban, const Tree& tree) {
    Findings found;
    for (const SourceFile& file : tree) {
        if (!applies(ban, file)) {
            continue;
        }
        for (const Include& include : includes_of(file)) {
            if (starts_or_ends(ban, include.target)) {
                found.push_back({file.path, include.line, include.target + ": " + ban.why});
            }
        }
    }
    return found;
}

}  // namespace skald::tidy
