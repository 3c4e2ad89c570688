// A 3 x 3 convolution with zero padding, bias and ReLU, for WebAssembly with SIMD: all that DnCNN and FFDNet are made of.
//
// conv.wasm was made by this line, and with this version (PyPI's ziglang, a clang) it is made again, byte by byte:
//   python -m ziglang cc --target=wasm32-freestanding -O3 -msimd128 -nostdlib -ffreestanding
//     -Wl,--no-entry,--import-memory,--strip-all,--export-dynamic -Wl,-z,stack-size=65536,--initial-memory=131072
//     -o conv.wasm conv.c   # ziglang==0.17.1
//
// A volume is (H + 2, W + 2, channels), H and W even, with a border of one pixel of zeros that is never written.
// Winograd's F(2 x 2, 3 x 3): four neighbouring outputs cost 16 multiplications instead of 36 (Lavin and Gray, CVPR
// 2016, https://arxiv.org/abs/1509.09308). With d the 4 x 4 inputs, g the 3 x 3 weights: Y = A'((G g G') * (B' d B))A.
#include <wasm_simd128.h>

typedef v128_t f4;  // four channels at a time
#define ADD wasm_f32x4_add
#define SUB wasm_f32x4_sub
#define AT_ONCE 4  // tiles: 4 x 8 sums, 4 inputs and 2 weights fit into the 16 registers of a CPU
#define EXPORT __attribute__((visibility("default")))

// m[t][0..8] = sum over c of v[t][c] u[c][0..8], for n tiles t
static inline __attribute__((always_inline)) void product(const float *v, const float *u, float *m, int cin, int cout,
                                                          const int n) {
  f4 sum[AT_ONCE][2];
  for (int t = 0; t < n; t++) sum[t][0] = sum[t][1] = wasm_f32x4_splat(0);
  for (int c = 0; c < cin; c++, u += 8) {
    f4 u0 = wasm_v128_load(u), u1 = wasm_v128_load(u + 4);
    for (int t = 0; t < n; t++) {
      f4 x = wasm_v128_load32_splat(v + t * cin + c);
      sum[t][0] = ADD(sum[t][0], wasm_f32x4_mul(x, u0));
      sum[t][1] = ADD(sum[t][1], wasm_f32x4_mul(x, u1));
    }
  }
  for (int t = 0; t < n; t++) {
    wasm_v128_store(m + t * cout, sum[t][0]);
    wasm_v128_store(m + t * cout + 4, sum[t][1]);
  }
}

// Rows top..bottom and columns left..right (left and top even) of the output; nothing at or beyond H, W is written.
// cin is a multiple of 4, cout of 8; u is (16, cout / 8, cin, 8); v and m are scratch, 16 x (W / 2 + 1) x channels.
EXPORT void conv(const float *in, float *out, const float *u, const float *bias, float *v, float *m, int H, int W,
                 int cin, int cout, int top, int bottom, int left, int right, int relu) {
  int wide = W + (W & 1) + 2, tiles = (right - left + 1) / 2;
  f4 zero = wasm_f32x4_splat(0);
  for (int y = top; y < bottom; y += 2) {
    for (int t = 0; t < tiles; t++)
      for (int c = 0; c < cin; c += 4) {
        const float *x = in + (y * wide + left + 2 * t) * cin + c;
        f4 d[4][4], e[4][4];
        for (int i = 0; i < 4; i++)
          for (int j = 0; j < 4; j++) d[i][j] = wasm_v128_load(x + (i * wide + j) * cin);
        for (int j = 0; j < 4; j++) {
          e[0][j] = SUB(d[0][j], d[2][j]), e[1][j] = ADD(d[1][j], d[2][j]);
          e[2][j] = SUB(d[2][j], d[1][j]), e[3][j] = SUB(d[1][j], d[3][j]);
        }
        for (int i = 0; i < 4; i++) {
          float *to = v + (4 * i * tiles + t) * cin + c;
          int next = tiles * cin;
          wasm_v128_store(to, SUB(e[i][0], e[i][2])), wasm_v128_store(to + next, ADD(e[i][1], e[i][2]));
          wasm_v128_store(to + 2 * next, SUB(e[i][2], e[i][1])), wasm_v128_store(to + 3 * next, SUB(e[i][1], e[i][3]));
        }
      }
    for (int k = 0; k < 16; k++)
      for (int o = 0; o < cout; o += 8) {
        const float *uk = u + (k * cout + o) * cin, *vk = v + k * tiles * cin;
        float *mk = m + k * tiles * cout + o;
        int t = 0;
        for (; t + AT_ONCE <= tiles; t += AT_ONCE) product(vk + t * cin, uk, mk + t * cout, cin, cout, AT_ONCE);
        for (; t < tiles; t++) product(vk + t * cin, uk, mk + t * cout, cin, cout, 1);
      }
    for (int t = 0; t < tiles; t++)
      for (int c = 0; c < cout; c += 4) {
        const float *from = m + t * cout + c;
        f4 d[4][4], e[2][4], b = wasm_v128_load(bias + c);
        for (int i = 0; i < 4; i++)
          for (int j = 0; j < 4; j++) d[i][j] = wasm_v128_load(from + (4 * i + j) * tiles * cout);
        for (int j = 0; j < 4; j++) {
          e[0][j] = ADD(ADD(d[0][j], d[1][j]), d[2][j]);
          e[1][j] = SUB(SUB(d[1][j], d[2][j]), d[3][j]);
        }
        for (int i = 0; i < 2; i++) {
          f4 pair[2] = {ADD(ADD(e[i][0], e[i][1]), e[i][2]), SUB(SUB(e[i][1], e[i][2]), e[i][3])};
          for (int j = 0; j < 2; j++) {
            int row = y + i, column = left + 2 * t + j;
            f4 value = ADD(pair[j], b);
            if (relu) value = wasm_f32x4_pmax(zero, value);
            if (row < H && column < W) wasm_v128_store(out + ((row + 1) * wide + column + 1) * cout + c, value);
          }
        }
      }
  }
}

// The way back through a ReLU: what did not pass forwards does not pass backwards.
EXPORT void mask(float *gradient, const float *activation, int n) {
  for (int i = 0; i < n; i++) gradient[i] = activation[i] > 0 ? gradient[i] : 0;
}
