import Kernels
import Workers
import Foundation

func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }
let threads = Int(CommandLine.arguments.dropFirst().first ?? "1")!
let pool = WorkerPool(threads: threads)
useOneThreadPerMatrixProduct()
func random(_ n: Int, _ salt: Int) -> Buffer<Float> {
    var b = Buffer<Float>(zeros: n); var s = b.mutableSpan
    var st = RandomStream(seed: 1, purpose: .test, n, salt)
    for i in 0..<n { s[i] = st.uniform() - 0.5 }
    return b
}
func error(_ a: Span<Float>, _ b: Span<Float>) -> String {
    var e = 0.0, m = 0.0
    for i in a.indices { let d = Double(a[i]) - Double(b[i]); e += d * d; m += Double(b[i]) * Double(b[i]) }
    return String(format: "%.1e", (e / m).squareRoot())
}
func test(_ h: Int, _ c: Int, _ k: Int, kernel: Int, stride: Int, pad: Int, n: Int, lane: Int = 32) {
    let shape = ConvolutionShape(height: h, width: h, channels: c, outputChannels: k, kernel: kernel, stride: stride, padding: pad)
    let x = random(n * shape.inputCount, 1), w = random(shape.weightCount, 2), g = random(n * shape.outputCount, 3)
    let lanes = (n + lane - 1) / lane
    var refY = Buffer<Float>(zeros: n * shape.outputCount), refX = Buffer<Float>(zeros: n * shape.inputCount), refW = Buffer<Float>(zeros: lanes * shape.weightCount)
    let flop = 2 * Double(n * shape.outputPositions * shape.patchCount * k)
    var line = "\(h)x\(h) \(c)->\(k) k\(kernel) s\(stride) n=\(n):"
    for path in Convolution.paths(for: shape).reversed() {
        let conv = Convolution(shape, path: path)
        var panels = Buffer<Float>(zeros: conv.panelCount)
        var sums = Buffer<Double>(zeros: 2 * n * max(c, k))
        var y = Buffer<Float>(zeros: n * shape.outputCount), dx = Buffer<Float>(zeros: n * shape.inputCount), dw = Buffer<Float>(zeros: lanes * shape.weightCount)
        var ps = panels.mutableSpan, ss = sums.mutableSpan
        var ys = y.mutableSpan, dxs = dx.mutableSpan, dws = dw.mutableSpan
        let xs = x.span, ws = w.span, gs = g.span
        var t = [1e9, 1e9, 1e9]
        for _ in 0..<4 {
            var s = now()
            if k % 16 == 0 { conv.forward(Operand(xs), weights: ws, sampleCount: n, laneSize: lane, epilogue: .moments(), panels: &ps, into: &ys, sums: &ss, on: pool) }
            else { conv.forward(Operand(xs), weights: ws, sampleCount: n, laneSize: lane, epilogue: Epilogue(), panels: &ps, into: &ys, sums: &ss, on: pool) }
            t[0] = min(t[0], now() - s); s = now()
            if c > 3 { conv.inputGradient(Operand(gs), weights: ws, sampleCount: n, laneSize: lane, epilogue: Epilogue(), panels: &ps, into: &dxs, sums: &ss, on: pool) }
            t[1] = min(t[1], now() - s); s = now()
            conv.weightGradient(Operand(xs), outputGradient: Operand(gs), sampleCount: n, laneSize: lane, into: &dws, on: pool)
            t[2] = min(t[2], now() - s)
        }
        if path == .library {
            refY = Buffer(ys.span.extracting(0..<ys.count)); refX = Buffer(dxs.span.extracting(0..<dxs.count)); refW = Buffer(dws.span.extracting(0..<dws.count))
        }
        let r1 = refY.span, r2 = refX.span, r3 = refW.span
        line += "  \(path) " + String(format: "%.0f %.0f %.0f", flop / t[0] / 1e9, c > 3 ? flop / t[1] / 1e9 : 0, flop / t[2] / 1e9)
        if path != .library { line += " (\(error(ys.span, r1)) \(error(dxs.span, r2)) \(error(dws.span, r3)))" }
    }
    print(line)
}
extension Buffer where Element == Float {
    init(_ s: Span<Float>) { self.init(zeros: s.count); var m = mutableSpan; for i in s.indices { m[i] = s[i] } }
}
let which = CommandLine.arguments.dropFirst(2).first ?? "all"
if which == "all" || which == "18" {
let n = 128
test(32, 3, 64, kernel: 3, stride: 1, pad: 1, n: n)
test(32, 64, 64, kernel: 3, stride: 1, pad: 1, n: n)
test(32, 64, 128, kernel: 3, stride: 2, pad: 1, n: n)
test(32, 64, 128, kernel: 1, stride: 2, pad: 0, n: n)
test(16, 128, 128, kernel: 3, stride: 1, pad: 1, n: n)
test(16, 128, 256, kernel: 3, stride: 2, pad: 1, n: n)
test(8, 256, 256, kernel: 3, stride: 1, pad: 1, n: n)
test(8, 256, 512, kernel: 3, stride: 2, pad: 1, n: n)
test(8, 256, 512, kernel: 1, stride: 2, pad: 0, n: n)
test(4, 512, 512, kernel: 3, stride: 1, pad: 1, n: n)
}
if which == "all" || which == "50" {
let n = 32
test(224, 3, 64, kernel: 7, stride: 2, pad: 3, n: n)
test(56, 64, 64, kernel: 1, stride: 1, pad: 0, n: n)
test(56, 64, 64, kernel: 3, stride: 1, pad: 1, n: n)
test(56, 64, 256, kernel: 1, stride: 1, pad: 0, n: n)
test(56, 256, 64, kernel: 1, stride: 1, pad: 0, n: n)
test(56, 128, 128, kernel: 3, stride: 2, pad: 1, n: n)
test(28, 128, 128, kernel: 3, stride: 1, pad: 1, n: n)
test(28, 128, 512, kernel: 1, stride: 1, pad: 0, n: n)
test(28, 512, 128, kernel: 1, stride: 1, pad: 0, n: n)
test(28, 512, 1024, kernel: 1, stride: 2, pad: 0, n: n)
test(14, 256, 256, kernel: 3, stride: 1, pad: 1, n: n)
test(14, 256, 1024, kernel: 1, stride: 1, pad: 0, n: n)
test(14, 1024, 256, kernel: 1, stride: 1, pad: 0, n: n)
test(7, 512, 512, kernel: 3, stride: 1, pad: 1, n: n)
test(7, 512, 2048, kernel: 1, stride: 1, pad: 0, n: n)
test(7, 2048, 512, kernel: 1, stride: 1, pad: 0, n: n)
}
if which == "stem" { test(32, 3, 64, kernel: 3, stride: 1, pad: 1, n: 16) }
if which == "odd" {
test(7, 17, 3, kernel: 3, stride: 2, pad: 1, n: 5, lane: 2)
test(9, 16, 32, kernel: 5, stride: 2, pad: 3, n: 5, lane: 2)
test(9, 16, 32, kernel: 3, stride: 1, pad: 0, n: 5, lane: 2)
test(9, 16, 32, kernel: 3, stride: 1, pad: 2, n: 5, lane: 2)
}
