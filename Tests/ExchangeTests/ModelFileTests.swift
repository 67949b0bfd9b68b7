import Exchange
import Testing

@Suite struct ModelFileTests {
    @Test func whatIsNoModelFileIsSaid() {
        #expect(
            throws: ExchangeError(path: "x", reason: "is neither a file of torch.save nor one of safetensors")
        ) {
            try ModelFile(bytes: [1, 2, 3], path: "x")
        }
    }
}
