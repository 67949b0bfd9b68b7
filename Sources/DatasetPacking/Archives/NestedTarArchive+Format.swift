extension DatasetFormat {
    static let nestedTar = DatasetFormat(
        "tar-of-tars", "one tar per class in a tar or folder: ILSVRC2012_img_train.tar",
        options: [.classOrder],
        rows: [
            Row(
                "a tar of one tar per class", "`ILSVRC2012_img_train.tar`, or a folder of such tars",
                "nothing is unpacked; labels follow the sorted names (OpenOOD, torchvision), or `--class-order FILE`"
            )
        ],
        recognize: { content, options in
            // With an image list it is a folder or an archive of image files.
            guard options.list == nil else { return nil }
            if content.form == .folder {
                return options.devkit == nil && NestedTarIndex.isFolderOfArchives(content.path)
                    ? .entries : nil
            }
            return content.tarFiles.first.flatMap { classNameOfArchive($0) } == nil ? nil : .entries
        },
        open: { options in
            // With random access if the archives allow it.
            let (path, order) = (options.inputs[0], try options.givenOrder())
            if let index = try NestedTarIndex(path, order: order) { return index }
            return try NestedTarArchive(path, order: order)
        })
}
