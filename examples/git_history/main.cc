// The history of a git repository as events, one stream per file, on standard output as NDJSON:
//
//     example_git_history DIR | skald import -
//
// Ids are made from commit and path, so importing the same history again stores nothing new.
#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace {

struct Commit {
    std::string hash;
    std::string time;
    std::string author;
    std::string subject;
};

std::string quoted_for_shell(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return out + "'";
}

std::string json(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20) {
            std::array<char, 8> escaped{};
            std::snprintf(escaped.data(), escaped.size(), "\\u%04x", byte);
            out += escaped.data();
        } else {
            out += c;
        }
    }
    return out + "\"";
}

// FNV-1a.
std::uint64_t hash_of(std::string_view text, std::uint64_t hash) {
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
    return hash;
}

// A version 8 UUID out of what makes the event what it is.
std::string id_of(const Commit& commit, std::string_view path) {
    const std::uint64_t high = hash_of(path, hash_of(commit.hash, 0xcbf29ce484222325ULL));
    const std::uint64_t low = hash_of(commit.hash, hash_of(path, 0x84222325cbf29ce4ULL));
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%08x-%04x-8%03x-%04x-%012llx",
                  static_cast<unsigned>(high >> 32), static_cast<unsigned>(high >> 16 & 0xffff),
                  static_cast<unsigned>(high & 0xfff),
                  static_cast<unsigned>((low >> 48 & 0x3fff) | 0x8000),
                  static_cast<unsigned long long>(low & 0xffffffffffffULL));
    return text.data();
}

// A stream's name has no * ? [ ] and at most 255 bytes; a long path keeps its end.
std::string stream_of(std::string_view path) {
    constexpr std::size_t kPathMax = 240;
    std::string name = "file-";
    name += path.size() > kPathMax ? path.substr(path.size() - kPathMax) : path;
    for (char& c : name) {
        const bool barred = c == '*' || c == '?' || c == '[' || c == ']';
        c = barred ? '_' : c;
    }
    return name;
}

std::string_view type_of(char status) {
    switch (status) {
        case 'A': return "FileAdded";
        case 'D': return "FileDeleted";
        case 'T': return "FileTypeChanged";
        default: return "FileModified";
    }
}

// The text up to the separator, which is taken off the front with it.
std::string_view take(std::string_view& text, char separator) {
    const auto end = text.find(separator);
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return taken;
}

void print_event(const Commit& commit, std::string_view change) {
    const char status = change[0];
    take(change, '\t');
    const std::string event =
        "{\"stream\":" + json(stream_of(change)) + ",\"type\":" + json(type_of(status)) +
        ",\"id\":" + json(id_of(commit, change)) + ",\"time\":" + json(commit.time) +
        ",\"correlation_id\":" + json(commit.hash) + ",\"data\":{\"path\":" + json(change) +
        ",\"commit\":" + json(commit.hash) + ",\"author\":" + json(commit.author) +
        ",\"subject\":" + json(commit.subject) + "}}";
    std::puts(event.c_str());
}

// A line beginning with \x01 is a commit; any other that is not empty is `status<tab>path`.
void read_line(std::string_view line, Commit& commit) {
    if (line.empty()) {
        return;
    }
    if (line[0] != '\x01') {
        print_event(commit, line);
        return;
    }
    line.remove_prefix(1);
    commit.hash = take(line, '\x02');
    commit.time = take(line, '\x02');
    commit.author = take(line, '\x02');
    commit.subject = line;
}

int read_history(const std::string& repository) {
    const std::string command =
        "git -c core.quotePath=false -C " + quoted_for_shell(repository) +
        " log --reverse --no-renames --no-merges --name-status "
        "--format='%x01%H%x02%aI%x02%an%x02%s'";
    const std::unique_ptr<FILE, int (*)(FILE*)> git(popen(command.c_str(), "r"), pclose);
    if (!git) {
        std::perror("git_history: cannot run git");
        return 1;
    }
    Commit commit;
    char* line = nullptr;
    std::size_t capacity = 0;
    ssize_t length = 0;
    std::size_t lines = 0;
    while ((length = getline(&line, &capacity, git.get())) > 0) {
        std::string_view text(line, static_cast<std::size_t>(length));
        text.remove_suffix(text.ends_with('\n') ? 1 : 0);
        read_line(text, commit);
        ++lines;
    }
    std::free(line);
    if (lines == 0) {
        std::fprintf(stderr, "git_history: %s has no history\n", repository.c_str());
        return 1;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return read_history(argc > 1 ? argv[1] : ".");
}
