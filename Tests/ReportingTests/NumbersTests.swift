import Reporting
import Testing

@Suite(.timeLimit(.minutes(30)))
struct NumbersTests {
    @Test func aFractionIsShownInPercent() {
        #expect(percent(0.929, 2) == "92.90 %")
        #expect(percent(1, 0) == "100 %")
        #expect(percent(nil, 1) == "–")
    }

    @Test func aNumberHasItsPlacesAndNoGrouping() {
        #expect(decimal(1234.5678, 1) == "1234.6")
        #expect(decimal(-0.5, 3) == "-0.500")
    }

    @Test(arguments: [(0.4, "0:00"), (59.6, "1:00"), (3661, "1:01:01"), (.infinity, "?")])
    func aDurationHasHoursOnlyIfNeeded(seconds: Double, text: String) {
        #expect(duration(seconds) == text)
    }
}
