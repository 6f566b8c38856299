// The sending side of the append probe, one class for all forms of a message.
#pragma once
#include <zmq.h>

#include "probe.h"
#include "probe_generated.h"

namespace probe {

enum class Form { floor, raw, one_frame, two_frames };

// Sends one event; a real client builds its envelope for every request, so it is built here too.
class Client {
  public:
    Client(Form form, size_t bytes, uint64_t producer)
        : form_(form), producer_(producer), body_(payload(bytes)) {}
    void send(void* s, uint64_t sequence) {
        if (form_ == Form::floor) {
            zmq_send(s, body_.data(), body_.size(), 0);
        } else if (form_ == Form::raw) {
            const uint64_t head[5] = {sequence, producer_, sequence, 0, 0};
            zmq_msg_t m;
            zmq_msg_init_size(&m, sizeof head + body_.size());
            std::memcpy(zmq_msg_data(&m), head, sizeof head);
            std::memcpy(static_cast<char*>(zmq_msg_data(&m)) + sizeof head, body_.data(),
                        body_.size());
            zmq_msg_send(&m, s, 0);
        } else {
            build(sequence);
            zmq_send(s, fb_.GetBufferPointer(), fb_.GetSize(),
                     form_ == Form::two_frames ? ZMQ_SNDMORE : 0);
            if (form_ == Form::two_frames) {
                zmq_send(s, body_.data(), body_.size(), 0);
            }
        }
    }

  private:
    void build(uint64_t sequence) {
        fb_.Clear();
        const auto stream = fb_.CreateString("account-0123456789");
        const auto type = fb_.CreateString("MoneyDeposited");
        flatbuffers::Offset<flatbuffers::Vector<uint8_t>> event;
        if (form_ == Form::one_frame) {
            event = fb_.CreateVector(reinterpret_cast<const uint8_t*>(body_.data()), body_.size());
        }
        fb_.Finish(fb::CreateAppend(fb_, sequence, producer_, sequence, stream, type, event));
    }
    Form form_;
    uint64_t producer_;
    std::string body_;
    flatbuffers::FlatBufferBuilder fb_{2048};
};

}  // namespace probe
