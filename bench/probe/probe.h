// What the probes share: a clock, percentiles, medians of rounds as a Markdown table, crc32c and an
// LMDB environment on a file that is written ahead of its last page.
#pragma once
#include <fcntl.h>
#include <lmdb.h>
#include <nmmintrin.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace probe {

inline uint64_t now_ns() {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                     std::chrono::steady_clock::now().time_since_epoch())
                                     .count());
}

[[noreturn]] inline void die(const char* what, const char* why = "") {
    std::fprintf(stderr, "probe: %s: %s\n", what, why);
    std::exit(1);
}

inline void check(int rc, const char* what = "lmdb") {
    if (rc != 0) {
        die(what, mdb_strerror(rc));
    }
}

template <class T>
T load(const void* p) {
    T v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

__attribute__((target("sse4.2"))) inline uint32_t crc32c(const void* data, size_t n) {
    auto p = static_cast<const unsigned char*>(data);
    uint64_t c = 0xffffffff;
    for (; n >= 8; n -= 8, p += 8) {
        c = _mm_crc32_u64(c, load<uint64_t>(p));
    }
    auto c32 = static_cast<uint32_t>(c);
    for (; n > 0; --n, ++p) {
        c32 = _mm_crc32_u8(c32, *p);
    }
    return ~c32;
}

struct Rng {
    uint64_t state = 0x9e3779b97f4a7c15;
    uint64_t next() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    }
};

// Text of 16 letters, so that nothing wins by compressing zeros.
inline std::string payload(size_t n) {
    std::string s(n, '\0');
    Rng rng;
    for (char& c : s) {
        c = static_cast<char>('a' + (rng.next() & 15));
    }
    return s;
}

inline double percentile(std::vector<uint64_t> v, double p) {
    if (v.empty()) {
        return 0;
    }
    const size_t i = std::min(v.size() - 1, static_cast<size_t>(p * static_cast<double>(v.size())));
    std::nth_element(v.begin(), v.begin() + static_cast<long>(i), v.end());
    return static_cast<double>(v[i]);
}

// Rows by columns; every cell collects one value a round and prints their median.
class Table {
  public:
    void add(const std::string& row, const std::string& column, double value) {
        if (std::find(rows_.begin(), rows_.end(), row) == rows_.end()) {
            rows_.push_back(row);
        }
        if (std::find(columns_.begin(), columns_.end(), column) == columns_.end()) {
            columns_.push_back(column);
        }
        cells_[{row, column}].push_back(value);
        std::fprintf(stderr, "%s | %s | %.1f\n", row.c_str(), column.c_str(), value);
    }
    void print(const char* corner) const {
        std::printf("| %s |", corner);
        for (const std::string& c : columns_) {
            std::printf(" %s |", c.c_str());
        }
        std::printf("\n|---|");
        for (size_t i = 0; i < columns_.size(); ++i) {
            std::printf("---|");
        }
        for (const std::string& r : rows_) {
            std::printf("\n| %s |", r.c_str());
            for (const std::string& c : columns_) {
                print_cell(cells_.find({r, c}));
            }
        }
        std::printf("\n");
    }

  private:
    using Cells = std::map<std::pair<std::string, std::string>, std::vector<double>>;
    void print_cell(Cells::const_iterator it) const {
        if (it == cells_.end()) {
            std::printf(" - |");
            return;
        }
        std::vector<double> v = it->second;
        std::sort(v.begin(), v.end());
        const double m = v[v.size() / 2];
        std::printf(m < 10 ? " %.2f |" : m < 100 ? " %.1f |" : " %.0f |", m);
    }
    std::vector<std::string> rows_, columns_;
    Cells cells_;
};

// One LMDB environment in a directory of its own, removed at the end.
class Env {
  public:
    explicit Env(const std::string& dir, size_t ahead_bytes) : dir_(dir + "/probe.lmdb") {
        std::filesystem::remove_all(dir_);
        std::filesystem::create_directories(dir_);
        check(mdb_env_create(&env_));
        check(mdb_env_set_mapsize(env_, size_t{64} << 30));
        check(mdb_env_set_maxdbs(env_, 16));
        check(mdb_env_open(env_, dir_.c_str(), MDB_NOTLS, 0600));
        write_ahead(ahead_bytes);
    }
    ~Env() {
        mdb_env_close(env_);
        std::filesystem::remove_all(dir_);
    }
    Env(const Env&) = delete;
    MDB_env* get() const { return env_; }
    MDB_txn* begin(unsigned flags = 0) const {
        MDB_txn* txn = nullptr;
        check(mdb_txn_begin(env_, nullptr, flags, &txn));
        return txn;
    }
    MDB_dbi open(const char* name, unsigned flags) const {
        MDB_txn* txn = begin();
        MDB_dbi dbi = 0;
        check(mdb_dbi_open(txn, name, MDB_CREATE | flags, &dbi));
        check(mdb_txn_commit(txn));
        return dbi;
    }
    double bytes(MDB_dbi dbi) const {
        MDB_txn* txn = begin(MDB_RDONLY);
        MDB_stat s{};
        check(mdb_stat(txn, dbi, &s));
        mdb_txn_abort(txn);
        return static_cast<double>(s.ms_branch_pages + s.ms_leaf_pages + s.ms_overflow_pages) *
               s.ms_psize;
    }

  private:
    void write_ahead(size_t bytes) const {
        const int fd = ::open((dir_ + "/data.mdb").c_str(), O_WRONLY);
        const std::vector<char> zeros(1 << 20);
        const off_t end = lseek(fd, 0, SEEK_END);
        for (size_t o = 0; o < bytes; o += zeros.size()) {
            if (pwrite(fd, zeros.data(), zeros.size(), end + static_cast<off_t>(o)) < 0) {
                die("write ahead", std::strerror(errno));
            }
        }
        if (fdatasync(fd) != 0) {
            die("write ahead", std::strerror(errno));
        }
        close(fd);
    }
    std::string dir_;
    MDB_env* env_ = nullptr;
};

inline void put(MDB_txn* txn, MDB_dbi dbi, uint64_t key, std::string_view value,
                unsigned flags = 0) {
    MDB_val k{sizeof key, &key};
    MDB_val v{value.size(), const_cast<char*>(value.data())};
    check(mdb_put(txn, dbi, &k, &v, flags));
}

}  // namespace probe
