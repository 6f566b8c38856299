#include "tests/crash/ack_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace skald::crash {
namespace {

std::uint64_t check_of(const AckRecord& record) {
    std::array<std::uint64_t, sizeof(AckRecord) / 8> words{};
    std::memcpy(words.data(), &record, sizeof record);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        sum = mix(sum ^ words[i]);
    }
    return sum;
}

}  // namespace

std::uint64_t stream_hash(std::string_view stream) {
    std::uint64_t hash = stream.size();
    for (const char c : stream) {
        hash = mix(hash ^ static_cast<unsigned char>(c));
    }
    return hash;
}

AckRecord ack_of(std::uint16_t lane, std::uint64_t sequence, const Receipt& receipt) {
    AckRecord record;
    record.mark = Mark::acknowledged;
    record.lane = lane;
    record.partition = receipt.partition.value;
    record.sequence = sequence;
    record.version = receipt.version.value;
    record.offset = receipt.offset.value;
    record.id = receipt.id;
    record.stream = stream_hash(receipt.stream);
    record.check = check_of(record);
    return record;
}

bool same_receipt(const AckRecord& a, const AckRecord& b) {
    return std::memcmp(&a, &b, sizeof a) == 0;
}

AckFile::AckFile(const std::string& path)
    : fd_(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644)) {
    if (fd_ < 0) {
        std::perror(path.c_str());
        std::exit(70);
    }
}

AckFile::~AckFile() {
    close(fd_);
}

void AckFile::append(AckRecord record) {
    record.check = check_of(record);
    if (write(fd_, &record, sizeof record) != static_cast<ssize_t>(sizeof record)) {
        std::perror("ack file");
        std::_Exit(70);
    }
}

void Acks::add(const AckRecord& record) {
    if (record.mark == Mark::may_send) {
        may_send[record.lane] = std::max(may_send[record.lane], record.sequence);
        return;
    }
    const auto [at, fresh] = acknowledged[record.lane].emplace(record.sequence, record);
    count += fresh ? 1 : 0;
    differed = differed || !same_receipt(at->second, record);
}

std::vector<AckRecord> read_records(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::vector<AckRecord> records;
    for (std::size_t at = 0; at + sizeof(AckRecord) <= bytes.size(); at += sizeof(AckRecord)) {
        AckRecord record;
        std::memcpy(&record, bytes.data() + at, sizeof record);
        if (record.check != check_of(record) || record.lane >= kLanes) {
            std::fprintf(stderr, "%s: a damaged record\n", path.c_str());
            std::exit(70);
        }
        records.push_back(record);
    }
    return records;
}

Acks acks_of(std::span<const AckRecord> records) {
    Acks acks;
    for (const AckRecord& record : records) {
        acks.add(record);
    }
    return acks;
}

}  // namespace skald::crash
