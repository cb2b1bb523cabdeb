#include "kernels/emulator/mma.hpp"

#include "kernels/emulator/intrinsics.hpp"

namespace nibble::kernels::emulated {
namespace {

/// What one lane brings.
struct Fragment {
    std::uint32_t a[4], b[2];
};

// Element i of a register, as a number.
struct Binary16 {
    static constexpr int per_register = 2;
    static double element(std::uint32_t reg, int i) {
        return formats::decode(formats::fp16, reg >> (16 * i) & 0xffffu);
    }
};
struct Bfloat16 {
    static constexpr int per_register = 2;
    static double element(std::uint32_t reg, int i) {
        return formats::decode(formats::bf16, reg >> (16 * i) & 0xffffu);
    }
};
struct Signed8 {
    static constexpr int per_register = 4;
    static double element(std::uint32_t reg, int i) {
        return static_cast<std::int8_t>(reg >> (8 * i));
    }
};

/// Row `row` of A times column `column` of B, gathered from the lanes that hold them.
template <class Element>
double dot(const Meeting& meeting, int row, int column) {
    double sum = 0;
    for (int lane = 0; lane < 4; ++lane) {  // the four lanes that share a row of A, a column of B
        const auto of_a = meeting.value_of<Fragment>(static_cast<unsigned>(row % 8 * 4 + lane));
        const auto of_b = meeting.value_of<Fragment>(static_cast<unsigned>(column * 4 + lane));
        for (int half = 0; half < 2; ++half) {  // columns of A from 0, from K/2
            for (int i = 0; i < Element::per_register; ++i) {
                sum += Element::element(of_a.a[row / 8 + 2 * half], i) *
                       Element::element(of_b.b[half], i);
            }
        }
    }
    return sum;
}

template <class Element, class Sum>
void multiply(const char* word, Sum (&d)[4], const std::uint32_t (&a)[4],
              const std::uint32_t (&b)[2], const Where& here) {
    const Fragment mine{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
    together(word, 0xffffffffu, mine, here, [&](const Meeting& meeting) {
        if (meeting.arrived != 0xffffffffu) {
            running_block->fail(Fault::Kind::absent_lane,
                                std::string(word) + " needs all 32 lanes of the warp", here);
        }
        const int row = static_cast<int>(running_block->thread().lane) / 4;
        const int column = static_cast<int>(running_block->thread().lane) % 4 * 2;
        for (int i = 0; i < 4; ++i) {
            const double product = dot<Element>(meeting, row + i / 2 * 8, column + i % 2);
            if constexpr (std::is_integral_v<Sum>) {  // 32 bits that wrap, as the hardware's do
                d[i] = static_cast<int>(static_cast<unsigned>(d[i]) +
                                        static_cast<unsigned>(static_cast<int>(product)));
            } else {
                d[i] = static_cast<Sum>(d[i] + product);
            }
        }
        return 0;
    });
}

}  // namespace

void mma_m16n8k16_f16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                      Where here) {
    multiply<Binary16>("mma_m16n8k16_f16", d, a, b, here);
}

void mma_m16n8k16_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                       Where here) {
    multiply<Bfloat16>("mma_m16n8k16_bf16", d, a, b, here);
}

void mma_m16n8k32_s8(int (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                     Where here) {
    multiply<Signed8>("mma_m16n8k32_s8", d, a, b, here);
}

}  // namespace nibble::kernels::emulated
