"""Synonyms with which leaks are planted; the search does not know them."""

SYNONYMS = {
    word: others.split("|")
    for word, others in {
        "find": "determine|work out", "compute": "calculate|evaluate", "calculate": "compute|work out",
        "determine": "find|establish", "evaluate": "compute", "simplify": "reduce", "number": "count|quantity",
        "numbers": "values|figures", "many": "numerous", "total": "overall|complete", "value": "quantity|magnitude",
        "values": "quantities", "smallest": "least|lowest", "largest": "greatest|biggest", "greatest": "largest",
        "least": "smallest",
        "maximum": "highest", "minimum": "lowest", "distinct": "different", "different": "distinct",
        "each": "every", "every": "each", "let": "suppose", "suppose": "assume", "given": "provided",
        "whose": "whose own",
        "such": "so", "equal": "identical", "equals": "is", "bought": "purchased", "buys": "purchases",
        "buy": "purchase",
        "sells": "vends", "sold": "vended", "sell": "trade", "costs": "is priced at", "cost": "price", "price": "cost",
        "money": "cash", "earns": "makes", "earn": "make", "spends": "pays out", "spent": "paid", "pays": "hands over",
        "gives": "hands", "gave": "handed", "give": "hand", "gets": "receives", "got": "received", "takes": "requires",
        "took": "grabbed", "makes": "produces", "made": "produced", "eats": "consumes", "ate": "consumed",
        "children": "kids", "kids": "children", "people": "persons", "friends": "pals", "friend": "pal",
        "students": "pupils", "student": "pupil", "teacher": "instructor", "store": "shop", "shop": "store",
        "house": "home", "home": "house", "car": "automobile", "trip": "journey", "road": "street", "town": "village",
        "day": "calendar day", "began": "started", "starts": "begins", "started": "began", "ends": "finishes",
        "left": "remaining", "remaining": "left over", "needs": "requires", "need": "require", "wants": "wishes",
        "large": "big", "big": "large", "small": "little", "fast": "quick", "long": "lengthy", "far": "distant",
        "tall": "high", "average": "mean", "mean": "average", "probability": "chance|likelihood",
        "randomly": "by chance",
        "random": "chance", "chosen": "picked|selected", "selected": "picked", "pick": "select", "figure": "diagram",
        "point": "spot", "area": "surface", "length": "extent", "width": "breadth", "side": "edge", "sides": "edges",
        "contains": "holds", "holds": "contains", "consists": "is made up", "form": "shape", "express": "write|give",
        "answer": "result", "solve": "resolve", "show": "demonstrate", "prove": "show", "consider": "look at",
        "denote": "represent", "represents": "denotes", "integer": "whole number", "integers": "whole numbers",
        "positive": "nonnegative", "sequence": "series", "function": "map", "equation": "relation", "set": "collection",
        "divided": "split", "order": "arrangement", "rate": "pace", "speed": "velocity", "initially": "at first",
        "altogether": "in total", "approximately": "roughly", "exactly": "precisely", "twice": "two times",
        "half": "one half", "following": "next", "possible": "feasible", "ways": "manners", "way": "manner",
        "walks": "strolls", "runs": "jogs", "drives": "motors", "box": "carton", "boxes": "cartons", "bag": "sack",
    }.items()
}  # fmt: skip
