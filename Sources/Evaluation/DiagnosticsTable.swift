package import Detection
internal import Foundation
package import Reporting

extension Table {
    /// Feature norms of each set, and the AUROC with which the norm and the largest probability
    /// separate the set from the in-distribution test set.
    package init(_ diagnostics: FeatureDiagnostics) {
        let number = { (value: Double) in String(format: "%.2f", value) }
        self.init(
            columns: ["set", "images", "mean norm", "ID / set", "AUROC of norm", "AUROC normalized"]
                + diagnostics.temperatures.map { "tau \($0)" },
            rows: diagnostics.rows.map { row in
                let areas = row.areas.map { [$0.norm, $0.normalized] + $0.sweep }?.map(number)
                return Row(
                    [row.name, "\(row.count)", String(format: "%.4f", row.meanNorm), number(row.normRatio)]
                        + (areas ?? [String](repeating: "", count: 2 + diagnostics.temperatures.count)))
            })
    }
}
