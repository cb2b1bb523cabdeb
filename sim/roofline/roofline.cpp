#include "sim/roofline/roofline.hpp"

#include "sim/core/error.hpp"

namespace nibble {

Machine machine_of(const DeviceSheet& device, Accumulate accumulate) {
    const bool narrow = accumulate == Accumulate::fp16 && device.dense.fp16_accumulate_fp16;
    return {narrow ? device.dense.fp16_accumulate_fp16 : device.dense.fp16, device.eight_bit(),
            device.bandwidth, device.link};
}

std::string_view name(Bound bound) {
    static constexpr std::string_view names[] = {"compute", "memory", "link"};
    return names[static_cast<int>(bound)];
}

OperatorTime ideal_time(const Operator& o, const Machine& machine, const Precision& precision) {
    OperatorTime time;
    if (const auto peak = machine.peak(o, precision)) {
        time.compute = o.flops / *peak;
    }
    time.memory = o.bytes() / machine.bandwidth;
    if (o.link > Bytes{}) {
        if (!machine.link) {
            throw Error(Error::Code::bad_param,
                        "tensor_parallel: the device's sheet names no link to others",
                        "take tensor_parallel 1, or a device with link_gb_s in its file");
        }
        time.link = o.link / *machine.link;
    }
    return time;
}

StepTotals step_totals(const Operators& list, const Machine& machine, const Precision& precision) {
    StepTotals sum;
    for (const Operator& o : list) {
        const auto count = static_cast<double>(o.count);
        const OperatorTime time = ideal_time(o, machine, precision);
        sum.flops += count * o.flops;
        sum.weights += count * o.weights;
        sum.scales += count * o.scales;
        sum.activations += count * o.activations;
        sum.kv_read += count * o.kv_read;
        sum.kv_write += count * o.kv_write;
        sum.link += count * o.link;
        sum.seconds += count * time.total();
        if (time.bound() == Bound::compute) {
            sum.compute_bound += count * time.compute;
        }
        if (precision.is_weight_only()) {
            sum.dequantized += count * o.inputs * o.outputs * o.matrices;
        }
    }
    return sum;
}

StepTotals ideal_step(const ModelShape& model, const Workload& load, const Machine& machine) {
    return step_totals(operators(model, load), machine, load.precision);
}

}  // namespace nibble
