/// This program's version, which its checkpoints contain.
package let softwareVersion = "0.1.0"
