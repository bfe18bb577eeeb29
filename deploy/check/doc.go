// Package check holds no code, only tests of what is deployed: the chart, the compose
// file and the image. It is a module of its own, so that the libraries of Helm, Kubernetes and Compose
// are no dependencies of the program.
//
//   - The chart is rendered with many combinations of values. Every object is decoded
//     strictly into the types of the Kubernetes API, so that a misspelled field fails.
//   - Values that make no sense are refused by the schema, with a message.
//   - Values, schema and the chart's page name the same things.
//   - Every environment variable is a setting of the program, and every path of a probe
//     is served by it.
//   - The compose file is one that Compose accepts, and the files, ports, accounts and
//     variables that it names exist.
//   - What gets into the build of the image is enough for it, and gives the same static
//     file each time.
package check
