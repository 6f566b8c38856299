// Writes down what a program does to its files (journal.h), for the images of a power cut.
//
// SKALD_SHIM_ROOT    the directory that is watched
// SKALD_SHIM_ACKS    the file whose writes are acknowledgements
// SKALD_SHIM_JOURNAL where the journal goes
// SKALD_SHIM_LIE     set: fdatasync and fsync of a file do nothing and say that all is well, as a
//                    disk does that lies, or a program that forgot to call them
#include <cstring>
#include <mutex>

#include "tests/crash/journal.h"
#include "tests/crash/shim.h"

namespace skald::crash::shim {
namespace {

class Writer {
  public:
    static Writer& instance() {
        static Writer* const writer = new Writer;
        return *writer;
    }
    std::uint64_t stamp() { return __atomic_add_fetch(&count_, 1, __ATOMIC_SEQ_CST); }
    bool lies() const { return lies_; }

    void put(OpHeader header, const std::string& name, const std::string& data) {
        header.name_bytes = static_cast<std::uint16_t>(name.size());
        header.data_bytes = static_cast<std::uint32_t>(data.size());
        std::string record(reinterpret_cast<const char*>(&header), sizeof header);
        record += name;
        record += data;
        const std::scoped_lock lock(mutex_);
        append_raw(fd_, record.data(), record.size());
    }

  private:
    Writer()
        : fd_(open_raw(setting("SKALD_SHIM_JOURNAL"))), lies_(*setting("SKALD_SHIM_LIE") != '\0') {}

    std::mutex mutex_;
    int fd_;
    bool lies_;
    std::uint64_t count_ = 0;
};

OpHeader header_of(OpKind kind, const Target& target) {
    OpHeader header;
    header.kind = kind;
    header.file = target.file;
    header.flags = static_cast<std::uint8_t>((target.durable ? kFlagDurable : 0) |
                                             (target.direct ? kFlagDirect : 0));
    return header;
}

std::string joined(const std::vector<iovec>& parts, std::size_t bytes) {
    std::string data;
    for (const iovec& part : parts) {
        data.append(static_cast<const char*>(part.iov_base), part.iov_len);
    }
    data.resize(bytes);
    return data;
}

OpKind kind_of(const OtherCall& call) {
    switch (call.kind) {
        case OtherCall::Kind::sync:
            return call.target.kind == Target::Kind::directory ? OpKind::sync_directory
                                                               : OpKind::sync;
        case OtherCall::Kind::truncate:
            return OpKind::truncate;
        case OtherCall::Kind::create:
            return OpKind::create;
        case OtherCall::Kind::directory:
            return OpKind::directory;
        case OtherCall::Kind::rename:
            return OpKind::rename;
        default:
            return OpKind::unlink;
    }
}

}  // namespace

long on_write(const WriteCall& write) {
    Writer& writer = Writer::instance();
    const bool ack = write.target.kind == Target::Kind::acks;
    OpHeader header = header_of(ack ? OpKind::ack : OpKind::write, write.target);
    header.offset = write.offset;
    header.begin = writer.stamp();
    const long written = write.perform();
    header.end = writer.stamp();
    if (written > 0) {
        header.length = static_cast<std::uint64_t>(written);
        std::string data = joined(write.parts, header.length);
        if (!ack && data.find_first_not_of('\0') == std::string::npos) {
            header.flags |= kFlagZeros;
            data.clear();
        }
        writer.put(header, write.target.name, data);
    }
    return written;
}

int on_call(const OtherCall& call) {
    Writer& writer = Writer::instance();
    OpHeader header = header_of(kind_of(call), call.target);
    header.length = call.length;
    header.begin = writer.stamp();
    if (header.kind == OpKind::sync && writer.lies()) {
        return 0;
    }
    const int result = call.perform();
    header.end = writer.stamp();
    if (result < 0) {
        return result;
    }
    if (header.kind == OpKind::create) {
        header.file = target_of(result).file;
    }
    writer.put(header, call.target.name, call.to);
    return result;
}

}  // namespace skald::crash::shim
