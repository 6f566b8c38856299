// The batch format of docs/log_format.md: bytes it adds to an event, and the time to encode and to
// verify and read one, beside one FlatBuffers table an event (a vector of tables, names repeated).
//
//   make build/batch && build/batch [rounds] [seconds a figure]
#include "format.h"
#include "probe_generated.h"
using namespace probe;

namespace {

volatile uint64_t sink;

struct Events {
    std::vector<std::string> names;
    std::string body;
    std::vector<Event> list;
    Events(size_t count, bool one_stream, size_t bytes) : body(payload(bytes)) {
        for (size_t i = 0; i < count; ++i) {
            char name[32];
            std::snprintf(name, sizeof name, "account-%010zu", one_stream ? 0 : i);
            names.emplace_back(name);
        }
        for (size_t i = 0; i < count; ++i) {
            list.push_back({names[i], "MoneyDeposited", body, 42, i, one_stream ? i : 7});
        }
    }
};

template <class Work>
double ns_per_event(double seconds, size_t events, Work work) {
    uint64_t n = 0;
    const uint64_t begin = now_ns(), end = begin + static_cast<uint64_t>(seconds * 1e9);
    uint64_t now = begin;
    for (; now < end; now = now_ns()) {
        for (int i = 0; i < 16; ++i, ++n) {
            work();
        }
    }
    return static_cast<double>(now - begin) /
           (static_cast<double>(n) * static_cast<double>(events));
}

void build(flatbuffers::FlatBufferBuilder& fb, const Events& events) {
    fb.Clear();
    std::vector<flatbuffers::Offset<fb::Event>> all;
    all.reserve(events.list.size());
    for (const Event& e : events.list) {
        const fb::Id id(e.id_high, e.id_low);
        const auto stream = fb.CreateString(e.stream.data(), e.stream.size());
        const auto type = fb.CreateString(e.type.data(), e.type.size());
        const auto data =
            fb.CreateVector(reinterpret_cast<const uint8_t*>(e.data.data()), e.data.size());
        all.push_back(fb::CreateEvent(fb, &id, stream, type, e.version, 1, data));
    }
    fb.Finish(fb::CreateBatch(fb, fb.CreateVector(all)));
}

void read(const flatbuffers::FlatBufferBuilder& fb) {
    flatbuffers::Verifier verifier(fb.GetBufferPointer(), fb.GetSize());
    if (!verifier.VerifyBuffer<fb::Batch>(nullptr)) {
        die("verify");
    }
    for (const fb::Event* e : *flatbuffers::GetRoot<fb::Batch>(fb.GetBufferPointer())->events()) {
        sink = sink + e->version() + e->data()->Get(0) + e->stream()->size();
    }
}

void measure(size_t count, bool one_stream, size_t bytes, double seconds, Table& table) {
    const Events events(count, one_stream, bytes);
    const std::string row = std::to_string(bytes) + " B, " + std::to_string(count) + " events, " +
                            (one_stream ? "1 stream" : std::to_string(count) + " streams");
    Encoder encoder;
    std::string out;
    const auto encode = [&] {
        encoder.clear();
        for (const Event& e : events.list) {
            encoder.add(e);
        }
        encoder.finish(out);
    };
    Decoder decoder;
    size_t seen = 0;
    const auto decode = [&] {
        seen = 0;
        const bool good = decoder.decode(out, [&](const View& v) {
            seen += v.stream == events.list[seen].stream &&
                    v.version == events.list[seen].version && v.data.size() == bytes &&
                    v.id_high == 42;
            sink = sink + static_cast<unsigned char>(v.data[0]);
        });
        if (!good || seen != count) {
            die("decode");
        }
    };
    const auto events_of = static_cast<double>(count);
    encode();
    decode();
    table.add(row, "overhead B",
              static_cast<double>(out.size()) / events_of - static_cast<double>(bytes));
    table.add(row, "encode ns", ns_per_event(seconds, count, encode));
    table.add(row, "verify+read ns", ns_per_event(seconds, count, decode));
    flatbuffers::FlatBufferBuilder fb(4 << 20);
    build(fb, events);
    table.add(row, "tables: overhead B", fb.GetSize() / events_of - static_cast<double>(bytes));
    table.add(row, "tables: build ns", ns_per_event(seconds, count, [&] { build(fb, events); }));
    table.add(row, "tables: build, crc, hash ns", ns_per_event(seconds, count, [&] {
                  build(fb, events);
                  sink = sink + crc32c(fb.GetBufferPointer(), fb.GetSize()) +
                         XXH3_64bits(fb.GetBufferPointer(), fb.GetSize());
              }));
    table.add(row, "tables: crc+verify+read ns", ns_per_event(seconds, count, [&] {
                  sink = sink + crc32c(fb.GetBufferPointer(), fb.GetSize());
                  read(fb);
              }));
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 3;
    const double seconds = argc > 2 ? std::atof(argv[2]) : 0.2;
    Table table;
    for (int i = 0; i < rounds; ++i) {
        for (size_t bytes : {size_t{128}, size_t{1024}}) {
            for (size_t count : {size_t{1}, size_t{100}, size_t{1000}}) {
                for (bool one_stream : {true, false}) {
                    if (count > 1 || one_stream) {
                        measure(count, one_stream, bytes, seconds, table);
                    }
                }
            }
        }
    }
    table.print("batch");
}
