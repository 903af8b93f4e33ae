module envelope-oracle

go 1.26
